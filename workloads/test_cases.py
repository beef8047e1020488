"""The benchmarks: one test a case. `pytest workloads` prints pytest-benchmark's table."""

import pytest

from workloads.case import Case
from workloads.measure import Benchmark, measure
from workloads.recorder import MEASUREMENT


def test_case(case: Case, benchmark: Benchmark, request: pytest.FixtureRequest) -> None:
    request.node.stash[MEASUREMENT] = measure(case, benchmark)
