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
    empty_s = remarks.dispatch_s(queued=False)
    assert 0 < empty_s < 0.05
    assert remarks.near_dispatch(100 * empty_s, queued=False) == []
    [said] = remarks.near_dispatch(2 * empty_s, queued=False)
    assert said.startswith("near the cost of dispatch: an empty call takes ")


def test_where_calls_queue_an_empty_one_is_measured_in_a_queue_too() -> None:
    share_s = remarks.dispatch_s(queued=True)
    assert 0 < share_s < 0.05
    assert remarks.near_dispatch(3 * share_s, queued=True) == []
    assert remarks.near_dispatch(1.5 * share_s, queued=True) != []
