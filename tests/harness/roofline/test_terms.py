"""Terms and bounds of cases whose limits are known."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from harness.roofline.calibration import hardware_of
from harness.roofline.ceilings import Hardware
from harness.roofline.rates import Curve
from harness.roofline.terms import Ran, Terms, bounds
from tests.harness.roofline.ideal import MIB, Ideal
from workloads.catalog import CASES, Case, find
from workloads.catalog.decomposed import decomposed, whole

IDEAL = Ideal()


@pytest.fixture(scope="module")
def hardware() -> Hardware:
    return IDEAL.hardware()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_no_bound_is_below_the_other(case: Case, hardware: Hardware) -> None:
    found = bounds(case, decomposed(case), None, hardware)
    assert found.low_s >= 0
    if not found.unknown:
        # At worst, and before the two are put in order.
        assert found.low_s <= 1.05 * found.terms.total_s
    assert all(term >= 0 for term in found.terms.by_limit().values())


def test_a_product_computes(hardware: Hardware) -> None:
    case = find("matmul/2048/f32")
    found = bounds(case, decomposed(case), None, hardware)
    flops_s = case.cost.flops / 1e11
    assert found.terms.compute_s == pytest.approx(flops_s, rel=0.05)
    assert found.low_s == pytest.approx(flops_s / 1.05, rel=0.05)


def test_a_stream_moves(hardware: Hardware) -> None:
    case = find("memory/triad/128MiB/f32")
    found = bounds(case, decomposed(case), None, hardware)
    assert found.terms.bandwidth_s == pytest.approx(case.cost.bytes / 1e10, rel=0.05)
    assert found.terms.compute_s == 0


def test_what_the_cores_hold_in_their_own_caches_is_computing(hardware: Hardware) -> None:
    """However often a call goes over it."""
    for name, own in (("memory/update/256KiB/f32", True), ("memory/update/64MiB/f32", False)):
        case = find(name)
        terms = bounds(case, decomposed(case), None, hardware).terms
        near_s, far_s = terms.compute_s, terms.bandwidth_s
        assert (near_s if own else far_s) == pytest.approx(IDEAL.seconds(case) - 1e-5, rel=0.05)
        assert (far_s if own else near_s) == 0


def test_a_product_in_the_caches_waits_for_its_weights_once(hardware: Hardware) -> None:
    """Its rate was measured with them."""
    case = find("matmul/4x256x256-chained/f32")
    found = bounds(case, decomposed(case), None, hardware)
    assert found.terms.compute_s == pytest.approx(case.cost.flops / 1e11, rel=0.05)


def test_a_gather_is_as_slow_as_its_table_is_large(hardware: Hardware) -> None:
    picked = Curve(sizes=np.array([2.0**20, 2.0**28]), rates=np.array([1e9, 1e7]))
    slow = replace(hardware, usual=replace(hardware.usual, picked=picked))
    case = find("memory/gather/256MiB/f32")
    found = bounds(case, decomposed(case), None, slow)
    assert found.terms.bandwidth_s == pytest.approx(case.integer("loads") / 1e7)


def test_a_gather_is_its_own_measure(hardware: Hardware) -> None:
    """What it writes was measured with it: it is not slower than itself."""
    for name in (
        "memory/gather/256MiB/f32",
        "memory/gather/16MiB/f32",
        "memory/chase/256MiB/int32",
    ):
        case = find(name)
        found = bounds(case, decomposed(case), None, hardware)
        taken_s = case.integer("loads") * IDEAL.load_s
        assert found.terms.bandwidth_s == pytest.approx(taken_s, rel=0.01)
        assert found.terms.compute_s == 0


def test_rows_of_a_gather_are_read_beyond_their_first_value(hardware: Hardware) -> None:
    case = find("recommender/medium/forward/f32")
    (rows,) = (each for each in decomposed(case) if each.kind == "gather")
    found = bounds(case, [rows], None, hardware).terms
    count, width = rows.shape
    read_s = rows.times * rows.kept_bytes * (1 - 1 / width) / IDEAL.far_bytes_per_s
    taken_s = rows.times * count * IDEAL.load_s + read_s
    between_s = rows.times * rows.passed_bytes / IDEAL.near_bytes_per_s
    assert found.bandwidth_s + found.compute_s == pytest.approx(taken_s + between_s, rel=0.05)
    assert found.bandwidth_s >= taken_s * 0.95


def test_what_is_written_is_held_against_writes(hardware: Hardware) -> None:
    writes = Curve(sizes=np.array([1.0]), rates=np.array([5e9]))
    updates = Curve(sizes=np.array([1.0]), rates=np.array([2e10]))
    usual = replace(hardware.usual, writes=writes, updates=updates)
    for name, rate in (
        ("memory/write/64MiB/f32", 5e9),
        ("memory/update/64MiB/f32", 2e10),
        # Two arrays are read, and one is written beside them.
        ("memory/triad/128MiB/f32", 3 / (2 / 1e10 + 1 / 5e9)),
        ("memory/read/64MiB/f32", 1e10),
    ):
        case = find(name)
        found = bounds(case, decomposed(case), None, replace(hardware, usual=usual))
        assert found.terms.bandwidth_s == pytest.approx(case.cost.bytes / rate, rel=0.01)


def test_an_optimiser_updates() -> None:
    for name in (
        "transformer/nano/train_step/f32",
        "vision/resnet50/train_step/f32",
        "recommender/medium/train_step/f32",
        "mlp/digits/train/f32",
    ):
        steps = [each for each in decomposed(find(name)) if each.stage == "optimiser"]
        assert steps
        assert {each.access for each in steps} == {"update"}


def test_bounds_are_in_order_whatever_the_ceilings_scatter(hardware: Hardware) -> None:
    """The worst of one ceiling may be better than another's best."""
    case = find("matmul/2048/f32")
    turned = replace(hardware, best=hardware.worst, worst=hardware.best)
    found = bounds(case, decomposed(case), None, turned)
    assert found.low_s <= found.terms.total_s <= found.high_s


def test_collectives_are_of_so_many_devices(hardware: Hardware) -> None:
    case = find("collective/all-reduce/256MiB-x8/f32")
    found = bounds(case, decomposed(case), None, hardware)
    assert found.unknown == ("all-reduce over 8 devices was not measured",)


def test_of_many_accelerators_each_does_its_share() -> None:
    case = find("collective/data-parallel/mlp-x2/train_step/f32")
    own, shared = (
        bounds(
            case, decomposed(case), None, hardware_of(IDEAL.timed(), private_bytes=0, queued=queued)
        )
        for queued in (True, False)
    )
    assert shared.terms.compute_s == pytest.approx(2 * own.terms.compute_s, rel=0.05)


def test_a_call_that_is_handed_over_is_dispatch_wherever_it_runs() -> None:
    case = find("dispatch/handed/f32")
    for queued in (True, False):
        machine = hardware_of(IDEAL.timed(), private_bytes=4.0 * MIB, queued=queued)
        found = bounds(case, decomposed(case), None, machine)
        assert found.terms.dispatch_s == IDEAL.handed_s
        assert found.low_s <= IDEAL.handed_s


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("memory/gather/256MiB/f32", {"picked": None}),
        ("memory/chase/256MiB/int32", {"chase_s": None}),
        ("activation/gelu/64MiB/f32", {"functions": {}}),
    ],
)
def test_what_was_not_measured_is_no_zero(
    hardware: Hardware, name: str, missing: dict[str, Any]
) -> None:
    case = find(name)
    without = replace(hardware, usual=replace(hardware.usual, **missing))
    assert bounds(case, decomposed(case), None, hardware).unknown == ()
    (unknown,) = bounds(case, decomposed(case), None, without).unknown
    assert unknown.endswith("was not measured")


def test_what_only_moves_pays_for_no_call_besides(hardware: Hardware) -> None:
    for name in ("link/1MiB/to-device/f32", "collective/permute/16MiB-x2/f32"):
        case = find(name)
        found = bounds(case, decomposed(case), RAN, hardware)
        assert found.terms == Terms(link_s=found.terms.link_s)
        assert found.low_s == pytest.approx(found.terms.link_s / 1.05, rel=0.01)


def test_the_lower_bound_computes_nothing_that_a_mask_hides(hardware: Hardware) -> None:
    case = find("transformer/nano-t1024/prefill/f32")
    operations = decomposed(case)
    everything = [replace(each, masked=1.0) for each in operations]
    assert (
        bounds(case, operations, None, hardware).low_s
        < bounds(case, everything, None, hardware).low_s
    )


def test_on_a_device_an_empty_call_is_waited_for_and_others_queue() -> None:
    queued = hardware_of(IDEAL.timed(), private_bytes=0, queued=True)
    empty, product = find("dispatch/call/f32"), find("matmul/1024/f32")
    assert bounds(empty, (), None, queued).terms.dispatch_s == 1e-5
    found = bounds(product, decomposed(product), None, queued)
    assert found.terms.dispatch_s == pytest.approx(5e-6)
    assert found.low_s == pytest.approx(product.cost.flops / 1e11 / 1.05, rel=0.05)


def test_of_a_call_of_unknown_make_flop_and_bytes_are_known(hardware: Hardware) -> None:
    case = find("matmul/2048/f32")
    operation = whole(flops=1e11, bytes_=1e9, dtype="f32")
    terms = bounds(case, (operation,), None, hardware).terms
    assert (terms.compute_s, terms.bandwidth_s) == pytest.approx((1.0, 0.1), rel=0.05)
    unknown = whole(flops=1e11, bytes_=0.0, dtype="f64")
    assert bounds(case, (unknown,), None, hardware).unknown == ("whole in f64 was not measured",)


def test_links_and_storage_are_terms_of_their_own(hardware: Hardware) -> None:
    link, storage = find("link/64MiB/to-device/f32"), find("storage/nano/save/f32")
    found = bounds(link, decomposed(link), None, hardware).terms
    assert found.link_s == pytest.approx(link.cost.link_bytes / 5e9)
    found = bounds(storage, decomposed(storage), None, hardware).terms
    assert found.storage_s == pytest.approx(storage.cost.storage_bytes / 1e9)
    assert found.dispatch_s == 0


def test_an_empty_call_is_dispatch(hardware: Hardware) -> None:
    case = find("dispatch/call/f32")
    found = bounds(case, decomposed(case), None, hardware)
    assert found.terms == Terms(dispatch_s=1e-5)


RAN = Ran(
    kernels=100,
    turned_bytes=8.0 * MIB,
    streamed_bytes=100.0 * MIB,
    arguments=51,
    results=11,
    outer_bytes=0.0,
)


def test_what_the_compiled_program_does_is_in_the_upper_bound_alone(hardware: Hardware) -> None:
    case = find("transformer/nano/prefill/f32")
    plain = bounds(case, decomposed(case), replace(RAN, turned_bytes=0, streamed_bytes=0), hardware)
    more = bounds(case, decomposed(case), RAN, hardware)
    assert more.low_s == plain.low_s
    # A megabyte a kernel, which a core's cache holds.
    moved_s = 100 * MIB / 1e11 + 8 * MIB / 1e11
    assert more.terms.compute_s - plain.terms.compute_s == pytest.approx(moved_s, rel=0.05)


def test_kernels_and_arrays_are_dispatch(hardware: Hardware) -> None:
    case = find("transformer/nano/prefill/f32")
    found = bounds(case, decomposed(case), RAN, hardware).terms
    # A call was measured with a kernel, two arrays and a result.
    assert found.dispatch_s == pytest.approx(3e-5 + 99 * 1e-6 + 49 * 1e-6 + 10 * 2e-6)


def test_arrays_of_the_call_come_from_where_all_of_them_fit(hardware: Hardware) -> None:
    """An optimiser's, of which none is looked at twice in a call."""
    case = find("transformer/nano/train_step/f32")
    near = bounds(case, decomposed(case), RAN, hardware).terms
    far = bounds(case, decomposed(case), replace(RAN, outer_bytes=1e9), hardware).terms
    assert far.bandwidth_s > near.bandwidth_s


def test_a_machine_of_half_the_speed_takes_twice_the_time() -> None:
    half = Ideal(
        flops_per_s=5e10,
        near_bytes_per_s=5e10,
        far_bytes_per_s=5e9,
        call_s=2e-5,
        handed_s=4e-5,
        kernel_s=2e-6,
        argument_s=2e-6,
        result_s=4e-6,
        element_s=6e-10,
        load_s=2e-7,
    ).hardware()
    for name in ("transformer/small/train_step/f32", "vision/resnet50/forward/f32"):
        case = find(name)
        one, two = (bounds(case, decomposed(case), RAN, each) for each in (IDEAL.hardware(), half))
        assert two.low_s == pytest.approx(2 * one.low_s, rel=1e-3)
        assert two.high_s == pytest.approx(2 * one.high_s, rel=1e-3)


def test_parts_of_a_model_add_up(hardware: Hardware) -> None:
    case = find("transformer/small/decode/f32")
    found = bounds(case, decomposed(case), None, hardware)
    assert sum(part.flops for part in found.parts) == pytest.approx(case.cost.flops)
    kept = {part.part: part.kept_bytes for part in found.parts}
    assert kept["attention"] == pytest.approx(25.2e6, rel=0.01)  # keys and values
    assert kept["projections"] + kept["mlp"] + kept["unembedding"] > 300e6


def test_a_dtype_without_ceilings_is_told(hardware: Hardware) -> None:
    case = find("matmul/4096/f8")
    found = bounds(case, decomposed(case), None, hardware)
    assert found.unknown == ("product in f8 was not measured",)


def test_terms_add() -> None:
    one = Terms(compute_s=1.0, link_s=2.0)
    assert (one + one).by_limit() == {
        "compute": 2.0,
        "bandwidth": 0.0,
        "dispatch": 0.0,
        "link": 4.0,
        "storage": 0.0,
    }


def test_memory_that_is_given_anew_takes_its_time(hardware: Hardware) -> None:
    case = find("recommender/medium/train_step/f32")
    plain = bounds(case, decomposed(case), RAN, hardware)
    fresh = bounds(case, decomposed(case), replace(RAN, fresh_bytes=1e8), hardware)
    more_s = fresh.terms.compute_s - plain.terms.compute_s
    assert more_s == pytest.approx(1e8 * hardware.usual.fresh_s)
    assert more_s > 0
    assert fresh.low_s == plain.low_s


def test_few_rows_wait_longer_for_weights_from_afar(hardware: Hardware) -> None:
    case = find("transformer/small/decode/f32")
    operations = decomposed(case)
    slow = {"f32": Curve(sizes=np.array([1.0, 64.0]), rates=np.array([3.0, 3.0]))}
    slower = replace(hardware, usual=replace(hardware.usual, slowed=slow))
    one, other = (
        {part.part: part.terms.bandwidth_s for part in bounds(case, operations, None, each).parts}
        for each in (hardware, slower)
    )
    assert other["mlp"] == pytest.approx(3 * one["mlp"], rel=0.02)
    assert other["attention"] == one["attention"]  # a cache is read by many small products


def test_a_call_that_only_hands_over_finds_the_other_thread_awake(hardware: Hardware) -> None:
    for kind, call_s in (("handed", 2e-5), ("woken", 3e-5)):
        case = find(f"dispatch/{kind}/f32")
        assert bounds(case, decomposed(case), None, hardware).terms.dispatch_s == call_s
