"""Ctrl-C and SIGTERM, sent to this very process."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import pytest

from harness.errors import EnvironmentFailure, Interrupted
from harness.runner.interrupt import interruptible


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_becomes_one_exception_that_names_it(number: signal.Signals) -> None:
    with pytest.raises(Interrupted, match=f"stopped by {number.name}") as stopped, interruptible():
        os.kill(os.getpid(), number)
    assert stopped.value.exit_code == 130


def test_a_second_signal_cannot_cut_the_clean_up_short() -> None:
    cleaned = []

    @contextmanager
    def slow_to_clean_up() -> Iterator[None]:
        try:
            yield
        finally:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGTERM)
            cleaned.append(True)

    with pytest.raises(Interrupted, match="SIGINT"), interruptible(), slow_to_clean_up():
        os.kill(os.getpid(), signal.SIGINT)
    assert cleaned == [True]


def test_what_a_library_makes_of_a_signal_is_still_an_interruption() -> None:
    def connect() -> None:  # as the Docker SDK does it
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except Exception as error:
            raise EnvironmentFailure(f"no engine answers: {error}") from error

    with pytest.raises(Interrupted, match="stopped by SIGINT"), interruptible():
        connect()


def test_an_environment_that_fails_by_itself_is_no_interruption() -> None:
    with pytest.raises(EnvironmentFailure, match="no engine"), interruptible():
        raise EnvironmentFailure("no engine")


def test_the_handlers_from_before_come_back() -> None:
    def mine(number: int, frame: FrameType | None) -> None:
        raise AssertionError(number)

    before = signal.signal(signal.SIGTERM, mine)
    try:
        with interruptible():
            assert signal.getsignal(signal.SIGTERM) is not mine
        assert signal.getsignal(signal.SIGTERM) is mine
        with pytest.raises(Interrupted), interruptible():
            os.kill(os.getpid(), signal.SIGTERM)
        assert signal.getsignal(signal.SIGTERM) is mine
    finally:
        signal.signal(signal.SIGTERM, before)
