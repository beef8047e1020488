"""The benchmarks: one test a case. `pytest workloads` prints pytest-benchmark's table."""

import pytest

from workloads.case import Case
from workloads.measure import Benchmark, measure
from workloads.recorder import RECORD
from workloads.room import Unsuitable
from workloads.turns import PASSED_OVER, TURNS, Alone, Passed


def test_case(case: Case, benchmark: Benchmark, request: pytest.FixtureRequest) -> None:
    turns = request.config.stash.get(TURNS, Alone())
    try:
        request.node.stash[RECORD] = measure(case, benchmark, turns=turns)
    except Unsuitable as reason:
        pytest.skip(str(reason))
    except Passed:
        pytest.skip(PASSED_OVER)
