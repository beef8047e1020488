"""The Python of a plain process is found, and has what it measures with."""

import sys
from pathlib import Path

import pytest

from harness.errors import EnvironmentFailure
from harness.runner.interpreter import interpreter


def program(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_it_is_this_one_where_none_is_named() -> None:
    assert interpreter(None, ["jax"]) == sys.executable


def test_it_is_a_path_or_a_name_that_is_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = program(tmp_path / "mine", f'exec {sys.executable} "$@"')
    assert interpreter(mine, ["jax", "pytest"]) == str(mine)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert interpreter(Path("mine"), ["jax"]) == str(mine)


def test_what_it_lacks_is_named_with_the_way_to_install_it(tmp_path: Path) -> None:
    bare = program(tmp_path / "bare", f'exec {sys.executable} -S "$@"')
    with pytest.raises(EnvironmentFailure) as refused:
        interpreter(bare, ["json", "jax", "pytest"])
    assert f"{bare} has, and that lacks jax, pytest: {bare} -m pip install" in str(refused.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("echo 'no such option' >&2; exit 2", "exit code 2 and said: no such option"),
        ("echo Hello", "is no Python that could measure"),
        ("exit 3", "exit code 3 and said: nothing"),
        ("exec sleep 60", r"does not answer within 2 s"),
        ("exec /nowhere/python", "is no Python that could measure"),
    ],
)
def test_what_is_no_python_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, told: str
) -> None:
    monkeypatch.setattr("harness.runner.interpreter._PATIENCE_S", 2)
    with pytest.raises(EnvironmentFailure, match=told):
        interpreter(program(tmp_path / "python", text), ["jax"])


def test_what_is_not_there_or_cannot_start_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFailure, match=r"no Python nowhere/python beside jaxrig\.toml"):
        interpreter(Path("nowhere/python"), ["jax"])
    (tmp_path / "garbage").write_bytes(b"\x7fELF")
    (tmp_path / "garbage").chmod(0o755)
    with pytest.raises(EnvironmentFailure, match=r"does not start: .*Exec format error"):
        interpreter(tmp_path / "garbage", ["jax"])
