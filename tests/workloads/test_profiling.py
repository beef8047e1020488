"""Profiles: of real programs on the CPU, and of traces as a GPU's and a TPU's are, read by JAX."""

from typing import Any

import jax
import pytest
from jax.profiler import ProfileData

from harness import records
from tests.harness.samples import line
from tests.workloads.conftest import Small
from workloads import profiling
from workloads.catalog import find
from workloads.profiling import Profile, Span, covered_s, own_times, profile, record, work_lines
from workloads.room import Unsuitable


def spans(*told: tuple[str, float, float]) -> list[Span]:
    return [Span(name=name, start_ns=start, end_ns=end) for name, start, end in told]


def told(lines: list[list[Span]]) -> tuple[dict[str, int], Any]:
    """By name: how often, and the operations' own seconds."""
    found = own_times(lines)
    counts = {name: count for name, (count, _) in found.items()}
    return counts, {name: own_s for name, (_, own_s) in found.items()}


def parsed(found: dict[str, Any]) -> records.Profile:
    kept = records.parse(line(found))
    assert isinstance(kept, records.Profile)
    return kept


def test_a_product_is_nearly_all_of_its_device_time(small: Small) -> None:
    found = parsed(profile(small("matmul")))
    assert found.device_s is not None
    assert 0 < found.device_s <= found.wall_s
    assert found.calls > 1
    longest = found.operations[0]
    assert longest.count % found.calls == 0
    own_s = sum(each.seconds for each in found.operations) + found.other_operations_s
    assert own_s >= 0.99 * found.device_s


def test_a_chain_runs_its_operation_once_a_link() -> None:
    case = find("dispatch/chain/f32")
    found = parsed(profile(case))
    assert case.work is not None
    adds = [each.count for each in found.operations if "add" in each.name]
    assert sum(adds) == case.work.count * found.calls


def test_of_an_activity_without_programs_nothing_is_seen(small: Small) -> None:
    found = parsed(profile(find("storage/nano/save/f32")))
    assert (found.device_s, found.operations) == (None, [])
    assert found.wall_s > 0


def test_jax_that_cannot_read_its_traces_is_not_profiled(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(jax.profiler, "ProfileData")
    with pytest.raises(Unsuitable, match=f"JAX {jax.__version__} is too old"):
        profile(small("matmul"))


def test_what_runs_at_once_covers_time_once() -> None:
    lines = [spans(("a", 0, 10), ("b", 20, 30)), spans(("c", 5, 25)), []]
    assert covered_s(lines) == pytest.approx(30e-9)
    assert covered_s([spans(("a", 0, 10), ("b", 90, 100)), spans(("c", 2, 4))]) == pytest.approx(
        20e-9
    )
    assert covered_s([[], []]) is None


def test_a_loop_has_what_its_body_leaves() -> None:
    thread = spans(("while", 0, 100), ("add", 10, 30), ("add", 40, 60), ("inner", 45, 50))
    other = spans(("while", 0, 10))
    assert told([thread, other]) == (
        {"while": 2, "add": 2, "inner": 1},
        pytest.approx({"while": 70e-9, "add": 35e-9, "inner": 5e-9}),
    )


def test_what_outlives_that_within_which_it_began_takes_no_more_than_there_was() -> None:
    lines = [spans(("a", 0, 10), ("b", 5, 20))]
    assert told(lines) == ({"a": 1, "b": 1}, pytest.approx({"a": 5e-9, "b": 15e-9}))


def test_many_operations_are_told_as_a_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiling, "MOST_OPERATIONS", 2)
    operations = {"a": (1, 1.0), "b": (2, 4.0), "c": (1, 2.0), "d": (1, 0.5)}
    found = Profile(calls=1, wall_s=9.0, device_s=7.5, operations=operations)
    kept = parsed(record(find("matmul/256/f32"), found))
    assert [(each.name, each.count, each.seconds) for each in kept.operations] == [
        ("b", 2, 4.0),
        ("c", 1, 2.0),
    ]
    assert kept.other_operations_s == 1.5


GPU = """
planes {
  name: "/device:GPU:0"
  event_metadata { key: 1 value { id: 1 name: "gemm_kernel" } }
  event_metadata { key: 2 value { id: 2 name: "MemcpyD2D" } }
  event_metadata { key: 3 value { id: 3 name: "jit_f" } }
  stat_metadata { key: 7 value { id: 7 name: "hlo_op" } }
  stat_metadata { key: 8 value { id: 8 name: "dot.1" } }
  lines {
    name: "Stream #13(Compute)"
    events { metadata_id: 1 offset_ps: 0 duration_ps: 5000 stats { metadata_id: 7 ref_value: 8 } }
    events { metadata_id: 1 offset_ps: 9000 duration_ps: 1000
             stats { metadata_id: 7 str_value: "dot.2" } }
  }
  lines {
    name: "Stream #14(MemcpyD2D)"
    events { metadata_id: 2 offset_ps: 4000 duration_ps: 2000 }
    events { metadata_id: 2 offset_ps: 8000 duration_ps: 0 }
  }
  lines { name: "XLA Modules" events { metadata_id: 3 offset_ps: 0 duration_ps: 99000 } }
  lines { name: "XLA Ops" events { metadata_id: 1 offset_ps: 0 duration_ps: 99000 } }
}
planes {
  name: "/host:CPU"
  event_metadata { key: 1 value { id: 1 name: "ExecuteHelper" } }
  lines { name: "python" events { metadata_id: 1 offset_ps: 0 duration_ps: 77000 } }
}
"""


def read(text: str) -> list[list[Span]]:
    return list(work_lines(ProfileData.from_text_proto(text)))


def test_of_a_gpu_streams_count_with_their_copies() -> None:
    lines = read(GPU)
    assert covered_s(lines) == pytest.approx(7e-9)
    assert told(lines) == (
        {"dot.1": 1, "dot.2": 1, "MemcpyD2D": 1},
        pytest.approx({"dot.1": 5e-9, "dot.2": 1e-9, "MemcpyD2D": 2e-9}),
    )


def test_of_a_tpu_operations_count_and_no_summaries() -> None:
    lines = read(GPU.replace("GPU", "TPU").replace("99000", "3000"))
    assert told(lines) == ({"gemm_kernel": 1}, pytest.approx({"gemm_kernel": 3e-9}))
