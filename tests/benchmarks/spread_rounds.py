"""A process that compiles a case, then times a round for every line on stdin.

`python -m tests.benchmarks.spread_rounds CASE`: prints a line when it is ready, and then the
seconds of a call, one line a round.
"""

import sys
import time

from workloads.builders import build
from workloads.catalog import find
from workloads.measure import calls_per_round
from workloads.prepare import prepare

ROUND_S = 0.03


def main(case_id: str) -> None:
    case = find(case_id)
    run = prepare(case, build(case)).round
    calls, _ = calls_per_round(run, ROUND_S)
    _say("ready")
    for _ in sys.stdin:
        start = time.perf_counter()
        run(calls)
        _say(repr((time.perf_counter() - start) / calls))


def _say(what: str) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
