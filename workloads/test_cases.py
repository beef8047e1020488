"""The benchmarks: one test a case. `pytest workloads` prints pytest-benchmark's table."""

import pytest

from workloads.case import Case
from workloads.measure import Benchmark, measure
from workloads.recorder import MEASUREMENT
from workloads.room import Unsuitable


def test_case(case: Case, benchmark: Benchmark, request: pytest.FixtureRequest) -> None:
    try:
        request.node.stash[MEASUREMENT] = measure(case, benchmark)
    except Unsuitable as reason:
        pytest.skip(str(reason))
