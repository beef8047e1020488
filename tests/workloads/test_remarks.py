"""What is said about a timing, and when nothing is."""

import resource

from tests.workloads.conftest import Small
from workloads import remarks


def test_memory_that_is_faulted_in_by_every_call_is_said(small: Small) -> None:
    case = small("activation")
    pages = int(case.cost.bytes) // resource.getpagesize()
    assert remarks.faults(case, minor_faults=pages // 20 * 7, calls=7) == []
    [said] = remarks.faults(case, minor_faults=pages // 2 * 7, calls=7)
    half = case.cost.bytes / 2 / 2**20
    assert said == f"every call faults in {half:.1f} MiB anew: temporary memory"


def test_a_call_near_the_cost_of_dispatch_is_said() -> None:
    empty_s = remarks.dispatch_s()
    assert 0 < empty_s < 0.05
    assert remarks.near_dispatch(100 * empty_s) == []
    [said] = remarks.near_dispatch(2 * empty_s)
    assert said.startswith("near the cost of dispatch: an empty call takes ")
