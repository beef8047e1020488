"""A pause for a GPU that was slowed, before its case is measured once more."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from workloads.throttling import Watched

CASE_LIMIT = "JAXRIG_CASE_LIMIT_S"
"""The variable that tells how many seconds a case may take, where somebody holds it to that."""

MOST_PASSING = 0.25
"""Of the rounds: where more were slowed by what may pass, a pause is worth its time."""


@dataclass(kw_only=True)
class Pauses:
    """Those that a process may still take. So few, because a launch has a limit as well, and a GPU
    that each case heats anew does not get well by them."""

    pause_s: float = 5.0
    left: int = 6
    sleep: Callable[[float], None] = time.sleep

    def would_help(self, watched: Watched, timed_s: float, spent_s: float) -> bool:
        """Whether a pause, and measuring once more, is worth its time and fits the case's limit.
        `timed_s`: what measuring took; `spent_s`: all that the case has taken."""
        slowed = len(watched.passing) > MOST_PASSING * watched.looks
        # Twice: a hot GPU may have been the faster one.
        fits = spent_s + self.pause_s + 2 * timed_s < limit_s()
        return slowed and fits and self.left > 0

    def take(self) -> None:
        self.left -= 1
        self.sleep(self.pause_s)


def limit_s() -> float:
    """Seconds that a case may take; infinite where nobody says."""
    return float(os.environ.get(CASE_LIMIT, "inf"))
