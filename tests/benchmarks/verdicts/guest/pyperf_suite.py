"""The cases for pyperf, whose workers time one of them each."""

import time
from functools import cache

import pyperf

from tests.benchmarks.verdicts import CASES


def timed(loops: int, case: str) -> float:
    """Seconds of so many calls."""
    run = prepared(case)
    start = time.perf_counter()
    for _ in range(loops):
        run()
    return time.perf_counter() - start


@cache
def prepared(case: str):  # type: ignore[no-untyped-def]
    from tests.benchmarks.verdicts.guest.called import ready

    return ready(case)


if __name__ == "__main__":
    runner = pyperf.Runner()
    for name in CASES:
        runner.bench_time_func(name, timed, name)
