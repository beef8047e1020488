"""`jaxrig serve`, as it is typed."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.command import Jaxrig
from tests.harness.called import called


@contextmanager
def serving(folder: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], str, list[str]]]:
    """The process, its address, and what it said before that."""
    process = Jaxrig(folder=folder).start("serve", "--port", "0", "--processes", "1", *words)
    assert process.stderr is not None
    said: list[str] = []
    try:
        while not (found := re.search(r"at (http://\S+)", said[-1] if said else "")):
            line = process.stderr.readline()
            assert line, said
            said.append(line)
        yield process, found[1], said[:-1]
    finally:
        process.kill()
        process.communicate()


def test_it_answers_and_ends_well_when_it_is_told_to(tmp_path: Path, filled: str) -> None:
    for how in (signal.SIGTERM, signal.SIGINT):
        with serving(tmp_path, "--db", filled) as (process, address, said):
            assert said == []
            with urlopen(f"{address}api/machines") as answer:  # noqa: S310 (ours)
                assert {each["name"] for each in json.load(answer)} == {"testbed", "node07"}
            children = _children(process.pid)
            assert children
            process.send_signal(how)
            _, rest = process.communicate(timeout=30)
            assert (process.returncode, rest) == (0, "")
            assert _gone(children)


def _children(pid: int) -> set[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return {int(each) for each in found}


def _gone(pids: set[int]) -> bool:
    """All of them, within a while."""
    end = time.monotonic() + 20
    while any(_is_there(pid) for pid in pids):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def _is_there(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_its_processes_end_with_it_however_that_ended(tmp_path: Path, filled: str) -> None:
    with serving(tmp_path, "--db", filled) as (process, _, _):
        children = _children(process.pid)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        assert _gone(children)


def test_elsewhere_than_here_it_says_that_anybody_reads(tmp_path: Path, filled: str) -> None:
    words = ("--host", "0.0.0.0", "--db", filled)  # noqa: S104
    with serving(tmp_path, *words) as (_, address, said):
        assert "there is no log-in" in said[0]
        port = address.rstrip("/").rpartition(":")[2]
        with urlopen(f"http://localhost:{port}/") as answer:
            assert answer.status == 200


def test_a_port_that_is_taken_is_an_error(filled: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = called("serve", "--port", taken.getsockname()[1], "--db", filled)
    assert (done.code, "in use" in done.err) == (5, True)


def test_without_a_database_there_is_nothing_to_serve(tmp_path: Path) -> None:
    done = called("serve", "--port", 0, "--db", f"sqlite:///{tmp_path}/none.db")
    assert (done.code, "no database at" in done.err) == (6, True)


@pytest.mark.parametrize("missing", ["starlette", "uvicorn"])
def test_what_is_missing_is_named(
    filled: str, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    done = called("serve", "--db", filled)
    assert done.code == 5
    assert missing in done.err
    assert "pip install 'jaxrig[serve]'" in done.err


@pytest.mark.parametrize("port", ["-1", "65536", "x", "1.5"])
def test_what_is_no_port_is_a_mistake(port: str) -> None:
    assert called("serve", "--port", port).code == 2
