"""The statistics that are written are those that pytest-benchmark would have written."""

from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_benchmark.stats import Stats

from harness.exchange import quartiles

_SECONDS = st.floats(min_value=1e-9, max_value=1e6)
_ALIKE = st.sampled_from([0.1, 0.1, 0.1, 0.2, 0.7])


@settings(max_examples=300, deadline=None)
@given(st.lists(_SECONDS, min_size=1, max_size=40) | st.lists(_ALIKE, min_size=1, max_size=40))
def test_they_equal_those_of_pytest_benchmark(samples: list[float]) -> None:
    theirs: Any = cast("Any", Stats)()
    theirs.data = list(samples)
    expected = theirs.as_dict()
    found = quartiles.stats(samples)
    assert list(found) == list(expected)
    assert found.pop("outliers") == expected.pop("outliers")
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-15)
