"""Runs in a container: makes a case, then measures it for every line on stdin.

`python causes_rounds.py CASE`: prints a line when it is ready, and then the seconds of a call, the
median of a while. It has worked for as long before: a host may run two cores that rest as two
hyperthreads of one, and parts them only when both are busy (seen: 7 instead of 12 ms, after 50 ms).
"""

import statistics
import sys
import time

from workloads.builders import build
from workloads.catalog import find
from workloads.prepare import Prepared, prepare

WHILE_S = 0.1


def main(case_id: str) -> None:
    case = find(case_id)
    prepared: Prepared = prepare(case, build(case))
    _say("ready")
    try:
        for _ in sys.stdin:
            _calls(prepared)
            _say(repr(statistics.median(_calls(prepared))))
    finally:
        prepared.close()


def _calls(prepared: Prepared) -> list[float]:
    """Seconds of each call, as many as fit into a while; one at least."""
    took_s: list[float] = []
    end = time.perf_counter() + WHILE_S
    while not took_s or time.perf_counter() < end:
        if prepared.before_round is not None:
            prepared.before_round()
        start = time.perf_counter()
        prepared.round(1)
        took_s.append(time.perf_counter() - start)
    return took_s


def _say(what: str) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
