"""A program that loads one core in bursts, as a neighbour would."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.checkout import ROOT

BURST_S = 0.3
REST_S = 0.7
"""On average; both are as random as can be (exponential)."""


@contextmanager
def noise(on: bool = True) -> Iterator[int | None]:
    """Within, the program runs, by this process id; where not `on`, nothing does."""
    if not on:
        yield None
        return
    with subprocess.Popen([sys.executable, "-m", __name__], cwd=ROOT) as process:
        try:
            yield process.pid
            assert process.poll() is None, "the noise ended before what it was to disturb"
        finally:
            process.kill()


def main() -> None:
    """Until it is killed, or who started it has gone."""
    parent = os.getppid()
    while os.getppid() == parent:
        end = time.monotonic() + random.expovariate(1 / BURST_S)
        while time.monotonic() < end:
            pass
        time.sleep(random.expovariate(1 / REST_S))


if __name__ == "__main__":
    main()
