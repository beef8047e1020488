"""The cases for pytest-benchmark."""

from typing import Any

import pytest

from tests.benchmarks.verdicts import CASES
from tests.benchmarks.verdicts.guest.called import ready


@pytest.mark.parametrize("case", CASES)
def test_case(benchmark: Any, case: str) -> None:
    benchmark(ready(case))
