"""What the ballast of `amounts.json` adds to cases: in one process, round by round in turns.

`python -m … CASE…` prints a line `RESULT {...}` of each case; without amounts, how much would
double it, about.
"""

import json
import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from tests.benchmarks.verdicts.guest.ballast import AMOUNTS, ROWS, loaded
from workloads.builders import build
from workloads.catalog import find
from workloads.measure import POLICY, calls_per_round, garbage_held
from workloads.prepare import Called, Compiled, prepare
from workloads.problem import Problem

TURNS = 100
TURNS_PER_S = 70e6
"""Of an empty loop, about."""


class Handing:
    """Rounds of several programs that write into the same memory: where it lies makes more
    difference than a little ballast."""

    def __init__(self, prepared: Sequence[Compiled | Called]) -> None:
        self._prepared = prepared
        self._last = prepared[0]

    def round_s(self, index: int, calls: int) -> float:
        """Seconds of a round of that program."""
        here = self._prepared[index]
        if isinstance(here, Compiled) and isinstance(self._last, Compiled):
            here.carry = self._last.carry
        self._last = here
        start = time.perf_counter()
        here.round(calls)
        return time.perf_counter() - start


def extra(case_id: str, amounts: Sequence[int]) -> list[float]:
    """What each amount adds to a call, as a share of it: the median over turns in which each has
    its own, from the other end every second time."""
    case = find(case_id)
    problem = build(case)
    plain = prepare(case, problem)
    calls, _ = calls_per_round(plain.round, POLICY.round_s)
    if not isinstance(problem, Problem) or problem.state is not None:
        problems = [build(case) for _ in amounts]  # the state of the first is gone
    else:
        problems = [problem for _ in amounts]
    others = [
        loaded(prepare, case, each, amount) for each, amount in zip(problems, amounts, strict=True)
    ]
    rounds, count = Handing([plain, *others]), 1 + len(others)
    taken = np.empty((TURNS, count))
    with garbage_held():
        for turn in range(-1, TURNS):  # the first warms up
            for index in range(count) if turn % 2 else reversed(range(count)):
                taken[turn, index] = rounds.round_s(index, calls)
    added: list[float] = (np.median(taken[:, 1:] / taken[:, :1], axis=0) - 1).tolist()
    return added


def whole(case_id: str) -> int:
    """The rows of a case; or the turns that would last about as long as a call."""
    case = find(case_id)
    problem = build(case)
    if case_id in ROWS:
        rows: int = problem.arguments[0].shape[0]  # type: ignore[union-attr]
        return rows
    _, call_s = calls_per_round(prepare(case, problem).round, POLICY.round_s)
    return round(call_s * TURNS_PER_S)


def main(cases: Sequence[str]) -> None:
    amounts: dict[str, dict[str, int]] = json.loads(AMOUNTS.read_text())
    for case in cases:
        found: dict[str, Any] = {"case": case}
        if amounts:
            found["extra"] = dict(
                zip(amounts, extra(case, [each[case] for each in amounts.values()]), strict=True)
            )
        else:
            found["whole"] = whole(case)
        sys.stdout.write(f"RESULT {json.dumps(found)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
