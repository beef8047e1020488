"""Whose something is, and whether they still live."""

import os
import subprocess
import sys

from containers import owner
from tests.checkout import ROOT


def of_an_ended_process() -> str:
    program = "from containers import owner; print(owner.this_process())"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def changed(identity: str, part: int, value: str) -> str:
    parts = identity.split("/")
    parts[part] = value
    return "/".join(parts)


def test_this_process_lives_and_is_always_the_same() -> None:
    assert not owner.is_gone(owner.this_process())
    assert owner.this_process() == owner.this_process()


def test_a_process_that_ended_is_gone() -> None:
    assert owner.is_gone(of_an_ended_process())


def test_a_later_process_with_the_same_number_is_another() -> None:
    assert owner.is_gone(changed(owner.this_process(), 3, "1"))


def test_a_process_that_nobody_here_can_see_is_never_called_gone() -> None:
    ended = of_an_ended_process()
    assert not owner.is_gone(changed(ended, 0, "another-boot"))
    assert not owner.is_gone(changed(ended, 1, "1"))  # another pid namespace


def test_what_is_no_identity_is_never_called_gone() -> None:
    for text in ("", "a/b", "a/b/c/d/e"):
        assert not owner.is_gone(text)


def test_a_name_with_spaces_and_brackets_does_not_confuse() -> None:
    """The second field of /proc/PID/stat is the program's name."""
    program = "import sys; sys.stdin.read()"
    code = f"open('/proc/self/comm', 'w').write('a) R 1 (b'); print(flush=True); {program}"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        parent_ticks = int(owner._start_ticks(os.getpid()))
        assert int(owner._start_ticks(process.pid)) >= parent_ticks
        process.kill()
