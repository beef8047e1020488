"""Ctrl-C, SIGTERM and a lost terminal as one exception, raised once."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from harness.errors import DatabaseFailure, EnvironmentFailure, Interrupted

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Stopped(Interrupted, KeyboardInterrupt):
    """Libraries that clean up after Ctrl-C do so after each of these signals: psycopg ends the
    statement in the server, and leaves a connection that can be rolled back."""


@contextmanager
def interruptible() -> Iterator[None]:
    """Within the block the first of these signals raises `Interrupted`; later ones are ignored,
    so that an impatient second Ctrl-C cannot cut the clean-up short. `Interrupted` it stays where
    the database does not take the end of what was interrupted, and where a library makes an error
    of its own of it: the Docker SDK does so while it connects."""
    stopped: _Stopped | None = None

    def interrupt(number: int, _frame: FrameType | None) -> None:
        nonlocal stopped
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        stopped = _Stopped(f"stopped by {signal.Signals(number).name}; what was measured is kept")
        raise stopped

    before = {each: signal.signal(each, interrupt) for each in _SIGNALS}
    try:
        yield
    except DatabaseFailure as error:
        if stopped is None:
            raise
        raise Interrupted(f"{stopped}, but not how it ended: {error}") from error
    except EnvironmentFailure as error:
        if stopped is None:
            raise
        raise Interrupted(str(stopped)) from error
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
