"""A database's URL: which are known, and how one is shown without its password."""

import os
import re
from urllib.parse import quote, quote_plus

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from harness.errors import DatabaseFailure, UsageError

FORMS = "sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME"
"""What a URL may look like, for messages."""

_HIDDEN = "***"
_SECRET_OPTIONS = ("password", "sslpassword")  # of libpq, after the `?`
_USER_AND_PASSWORD = re.compile(r":.*[:@].*", re.DOTALL)
_PASSWORD_OPTION = re.compile(r"(password\s*=\s*)('(\\.|[^'\\])*'|[^\s&]+)", re.IGNORECASE)


def parse(url: str) -> URL:
    """Raises `DatabaseFailure` for what is no URL, and for databases that keep nothing.

    The driver of PostgreSQL may be left out of the URL: there is one.
    """
    parsed = _parsed(url)
    if parsed is None:  # without the cause, which may quote a password
        raise DatabaseFailure(
            f"{_redacted(url)!r} is not a database URL; write {FORMS}, as in sqlite:///results.db"
        ) from None
    if parsed.get_backend_name() == "sqlite" and _in_memory(parsed):
        raise DatabaseFailure(f"{url} keeps nothing: it is in memory; write {FORMS}")
    if parsed.drivername in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    return parsed


def sqlite_url(path: str | os.PathLike[str]) -> str:
    """Of the database in a file, whatever characters its path has. Raises `UsageError` for bytes
    that are no text: no URL has them."""
    try:
        return URL.create("sqlite", database=os.fspath(path)).render_as_string()
    except UnicodeEncodeError as error:
        raise UsageError(
            f"{os.fspath(path)!r} is no text in UTF-8; give it another name"
        ) from error


def shown(url: str) -> str:
    """The URL for people's eyes: as it is, the password hidden."""
    parsed = _parsed(url)
    if parsed is None:
        return _redacted(url)
    if not _secrets(parsed):
        return url
    options = {name: _HIDDEN for name in _SECRET_OPTIONS if name in parsed.query}
    hidden = parsed.update_query_dict(options).render_as_string(hide_password=True)
    return hidden.replace(quote(_HIDDEN), _HIDDEN)


def holds_password(url: str) -> bool:
    """Whether there is one to be seen; in doubt, yes."""
    parsed = _parsed(url)
    return _redacted(url) != url if parsed is None else bool(_secrets(parsed))


def without_password(text: str, url: str) -> str:
    """A message without the URL's password, wherever it comes from."""
    parsed = _parsed(url)
    for secret in () if parsed is None else _secrets(parsed):
        for form in (secret, quote(secret), quote_plus(secret)):
            text = text.replace(form, _HIDDEN)
    return text


def _parsed(url: str) -> URL | None:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # ValueError: a port that is no number
        return None
    return None if _holds_unquoted(url, parsed) else parsed


def _holds_unquoted(url: str, parsed: URL) -> bool:
    """Whether there is an @ beside the one that ends user and password: it may be the password's
    own, whose rest is then in the place of host, database or options."""
    of_login = 0 if parsed.username is None else 1
    return parsed.get_backend_name() != "sqlite" and url.count("@") > of_login


def _in_memory(url: URL) -> bool:
    return url.database in (None, "", ":memory:") or url.query.get("mode") == "memory"


def _secrets(url: URL) -> list[str]:
    found = [url.password or ""]
    for name in _SECRET_OPTIONS:
        told = url.query.get(name, "")
        found += [told] if isinstance(told, str) else told
    return [secret for secret in found if secret]


def _redacted(text: str) -> str:
    """Of what cannot be parsed: without everything that could be a password."""
    return _PASSWORD_OPTION.sub(rf"\1{_HIDDEN}", _USER_AND_PASSWORD.sub(f":{_HIDDEN}", text))
