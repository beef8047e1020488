"""Which database a command takes, and that no password is seen on the way."""

import io
from pathlib import Path
from urllib.parse import quote_plus

import pytest

from harness.cli import dispatch
from harness.store.database import open_for_writing
from tests.postgresql import PASSWORD, USER, Server


def jaxrig(*words: str) -> tuple[int, str]:
    """The exit code, and everything that was printed."""
    both = io.StringIO()
    return dispatch(words, both, both), both.getvalue()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://ann:s3cret@h/results",
        "postgresql://ann@h/results?password=s3cret",
        "postgresql://ann:s3cret@h:port/results",
    ],
)
def test_a_password_on_the_command_line_is_refused(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("JAXRIG_DB", url)  # which does not make it better
    code, told = jaxrig("runs", "--db", url)
    assert code == 2
    for way in ("JAXRIG_DB", "PGPASSWORD", "~/.pgpass", "PGPASSFILE"):
        assert way in told
    assert "s3cret" not in told


@pytest.mark.parametrize("command", ["runs", "doctor"])
def test_the_environment_may_hold_a_password(
    postgresql: Server, postgresql_url: str, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    open_for_writing(postgresql_url).dispose()
    name = postgresql_url.partition("@/")[2].partition("?")[0]
    url = postgresql.tcp_url(name, login=f"{USER}:{quote_plus(PASSWORD)}")
    monkeypatch.setenv("JAXRIG_DB", url)
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")  # the doctor needs no engine here
    code, told = jaxrig(command, "--format", "json")
    if command == "runs":
        assert (code, told) == (0, "[]\n")
    else:
        assert f'"found": "{postgresql.tcp_url(name, login=f"{USER}:***")}"' in told
    monkeypatch.setenv("JAXRIG_DB", url + "x")
    code, missing = jaxrig(command)
    assert f'database "{name}x" does not exist' in missing
    for form in (PASSWORD, quote_plus(PASSWORD)):
        assert form not in told + missing


def test_the_command_line_comes_before_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAXRIG_DB", f"sqlite:///{tmp_path}/environment.db")
    assert "environment.db" in jaxrig("runs")[1]
    assert "option.db" in jaxrig("runs", "--db", f"sqlite:///{tmp_path}/option.db")[1]
