"""A password is hidden wherever a URL is shown, also where the URL is wrong."""

import pytest

from harness.errors import DatabaseFailure, UsageError
from harness.store.url import holds_password, parse, shown, sqlite_url, without_password


@pytest.mark.parametrize(
    ("url", "as_shown"),
    [
        (
            "postgresql+psycopg://ann:s3cret@db.example:5433/results",
            "postgresql+psycopg://ann:***@db.example:5433/results",
        ),
        ("postgresql://ann@h/r?password=s3cret", "postgresql://ann@h/r?password=***"),
        ("postgresql://ann@h/r?sslpassword=s3cret", "postgresql://ann@h/r?sslpassword=***"),
        (
            "postgresql://ann@h/r?password=s3cret&password=an0ther",
            "postgresql://ann@h/r?password=***",
        ),
        ("postgresql://ann:s3cret@h:port/r", "postgresql:***"),
        ("postgresql://ann:s3@cret@h/r", "postgresql:***"),
        ("postgresql://ann:s3@cre/t@h/r", "postgresql:***"),
        ("postgresql://ann:s3@cre?t@h/r", "postgresql:***"),
        ("postgresql://ann@h/r?password=s3@cret", "postgresql:***"),
        ("postgresql://h/r?password=s3@cret", "postgresql:***"),
        ("postgresql:/ann:s3cret@h/r", "postgresql:***"),
        ("postgresql:ann:s3cret", "postgresql:***"),
        ("host=h user=ann password=s3cret", "host=h user=ann password=***"),
        ("host=h PASSWORD = s3cret dbname=r", "host=h PASSWORD = *** dbname=r"),
        (r"password='s3\'cr et' host=h", "password=*** host=h"),
    ],
)
def test_a_password_is_found_and_hidden(url: str, as_shown: str) -> None:
    assert holds_password(url)
    assert shown(url) == as_shown


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///results.db",
        "sqlite:////srv/a@b:c/results.db",
        "postgresql+psycopg://ann@db.example:5433/results",
        "postgresql+psycopg://ann@/results?host=/run/postgresql",
        "postgresql+psycopg://ann%40x@h/results",
        "postgresql+psycopg://ann@h/results?application_name=a%40b",
        "sqlite:results.db",
        "results.db",
        "",
    ],
)
def test_without_a_password_a_url_is_shown_as_it_is(url: str) -> None:
    assert not holds_password(url)
    assert shown(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ann:s3cret@h:port/r",
        "postgresql://ann:x@s3cret@h/r",
        "postgresql://ann:x@y/s3cret@h/r",
        "postgresql://ann:x@y?s3cret@h/r",
        "x:s3cret@h",
    ],
)
def test_a_wrong_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(DatabaseFailure, match="is not a database URL; write sqlite") as refused:
        parse(url)
    assert "s3cret" not in str(refused.value)
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_the_driver_of_postgresql_may_be_left_out(scheme: str) -> None:
    assert parse(f"{scheme}://ann@h/r").drivername == "postgresql+psycopg"


def test_so_it_does_where_there_are_two() -> None:
    url = "postgresql://ann@h/r?password=s3cret&password=an0ther"
    assert without_password("neither s3cret nor an0ther", url) == "neither *** nor ***"


@pytest.mark.parametrize("form", ["s3c/r@t", "s3c/r%40t", "s3c%2Fr%40t"])
def test_a_driver_s_message_loses_the_password(form: str) -> None:
    url = "postgresql://ann:s3c%2Fr%40t@h/r"
    assert without_password(f"no option {form} is known", url) == "no option *** is known"


@pytest.mark.parametrize(
    "path", ["/a b/c.db", "x.db", "/50%/c%20d.db", "/a%2Fb", "/x?mode=memory", "/a#b", "/é&+=@:/x"]
)
def test_of_a_path_it_gives_the_same_path_back(path: str) -> None:
    parsed = parse(sqlite_url(path))
    assert (parsed.database, parsed.query) == (path, {})


def test_a_path_that_is_no_text_is_refused() -> None:
    with pytest.raises(UsageError, match=r"is no text in UTF-8"):
        sqlite_url("/a\udcff")
