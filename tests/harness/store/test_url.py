"""A password is hidden wherever a URL is shown, also where the URL is wrong."""

import pytest

from harness.errors import DatabaseFailure
from harness.store.url import holds_password, parse, shown, without_password


@pytest.mark.parametrize(
    ("url", "as_shown"),
    [
        (
            "postgresql+psycopg://ann:s3cret@db.example:5433/results",
            "postgresql+psycopg://ann:***@db.example:5433/results",
        ),
        ("postgresql://ann@h/r?password=s3cret", "postgresql://ann@h/r?password=***"),
        ("postgresql://ann@h/r?sslpassword=s3cret", "postgresql://ann@h/r?sslpassword=***"),
        ("postgresql://ann:s3cret@h:port/r", "postgresql:***@h:port/r"),
        ("postgresql://ann:s3@cret@h/r", "postgresql:***@h/r"),
        ("postgresql:/ann:s3cret@h/r", "postgresql:***@h/r"),
        ("host=h user=ann password=s3cret", "host=h user=ann password=***"),
        ("host=h PASSWORD = s3cret dbname=r", "host=h PASSWORD = *** dbname=r"),
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
        "results.db",
        "",
    ],
)
def test_without_a_password_a_url_is_shown_as_it_is(url: str) -> None:
    assert not holds_password(url)
    assert shown(url) == url


@pytest.mark.parametrize(
    "url", ["postgresql://ann:s3cret@h:port/r", "postgresql://ann:x@s3cret@h/r", "x:s3cret@h"]
)
def test_a_wrong_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(DatabaseFailure, match="is not a database URL; write sqlite") as refused:
        parse(url)
    assert "s3cret" not in str(refused.value)
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_the_driver_of_postgresql_may_be_left_out(scheme: str) -> None:
    assert parse(f"{scheme}://ann@h/r").drivername == "postgresql+psycopg"


@pytest.mark.parametrize("form", ["s3c/r@t", "s3c/r%40t", "s3c%2Fr%40t"])
def test_a_driver_s_message_loses_the_password(form: str) -> None:
    url = "postgresql://ann:s3c%2Fr%40t@h/r"
    assert without_password(f"no option {form} is known", url) == "no option *** is known"
