"""The ceilings of a machine that is known are those that it has."""

from dataclasses import replace

import pytest

from harness.roofline.calibration import best, ceilings_of, hardware_of, usual
from harness.roofline.ceilings import Ceilings, Hardware, Timed, as_product
from tests.harness.roofline.ideal import KIB, MIB, Ideal
from workloads.catalog import find

IDEAL = Ideal()


@pytest.fixture(scope="module")
def hardware() -> Hardware:
    return IDEAL.hardware()


def test_computing(hardware: Hardware) -> None:
    for dtype in ("f32", "bf16"):
        assert hardware.usual.products[dtype].peak_flops_per_s == pytest.approx(1e11, rel=0.02)
        (once_s,) = hardware.usual.product_s(dtype, [(1, 300, 700, 900)])
        assert once_s == pytest.approx(2 * 300 * 700 * 900 / 1e11, rel=0.02)


def test_a_dtype_that_was_not_measured_is_unknown(hardware: Hardware) -> None:
    assert hardware.usual.product_s("f8", [(1, 1, 1, 1)]) == [None]


def test_bandwidth_by_working_set(hardware: Hardware) -> None:
    for curve in (hardware.usual.reads, hardware.usual.updates, hardware.usual.writes):
        assert curve is not None
        assert curve(64.0 * KIB) == pytest.approx(1e11, rel=0.01)
        assert curve(1024.0 * MIB) == pytest.approx(1e10, rel=0.01)


def test_calls(hardware: Hardware) -> None:
    dispatch = hardware.usual.dispatch
    assert (dispatch.call_s, dispatch.handed_s, dispatch.queued_s) == (1e-5, 2e-5, 5e-6)
    assert (dispatch.kernel_s, dispatch.argument_s) == (1e-6, 1e-6)
    assert dispatch.result_s == pytest.approx(2e-6)


def test_functions_cost_what_they_do_beyond_moving(hardware: Hardware) -> None:
    assert hardware.usual.function_s("gelu", "f32") == pytest.approx(3e-10, rel=0.01)
    assert hardware.usual.function_s("relu", "f32") == 0
    assert hardware.usual.function_s("add", "f32") == 0
    assert hardware.usual.function_s("nothing that is known", "f32") is None


def test_ways(hardware: Hardware) -> None:
    for name in ("to-device", "to-host", "all-reduce over 2 devices"):
        way = hardware.usual.ways[name]
        assert way.bytes_per_s == pytest.approx(5e9)
        assert way.latency_s == pytest.approx(0, abs=1e-9)
    assert hardware.usual.stored["read random cold"].seconds(1e9) == pytest.approx(1.0)


def test_at_their_best_they_are_higher_than_usual_and_at_worst_lower(hardware: Hardware) -> None:
    peaks = [
        each.products["f32"].peak_flops_per_s
        for each in (hardware.worst, hardware.usual, hardware.best)
    ]
    assert peaks == sorted(peaks)
    assert peaks[0] < peaks[-1]


def test_what_is_passed_along_costs_nothing_where_it_is_not_moved() -> None:
    """As on CPU, where the device's memory is the host's."""
    timed = [
        replace(each, median_s=5e-5) if each.case.workload == "link" else each
        for each in IDEAL.timed()
    ]
    way = ceilings_of(timed, usual, private_bytes=0, queued=False).ways["to-device"]
    assert way.bytes_per_s is None
    assert way.seconds(1e9) == pytest.approx(5e-5)


def test_a_single_call_of_few_rows_tells_no_ceiling_of_computing() -> None:
    case = find("matmul/1x4096x4096/f32")
    slow = [*IDEAL.timed(), Timed(case=case, best_s=1.0, median_s=1.0, worst_s=1.0)]
    rates = ceilings_of(slow, usual, private_bytes=0, queued=False).products["f32"]
    assert rates([(1, 1, 4096, 4096)])[0] == pytest.approx(2 * 4096**2 / 1e11, rel=0.05)


def test_where_calls_queue_their_cost_is_not_taken_off() -> None:
    timed = list(IDEAL.timed())
    waited, queued = (
        ceilings_of(timed, usual, private_bytes=0, queued=each) for each in (False, True)
    )
    assert queued.updates(1e9) < waited.updates(1e9)


def test_a_call_that_costs_nearly_all_leaves_a_share() -> None:
    short = Timed(case=find("matmul/256/f32"), best_s=1e-5, median_s=1.0e-5, worst_s=1e-5)
    others = [each for each in IDEAL.timed() if each.case.workload != "matmul"]
    rates = ceilings_of([*others, short], best, private_bytes=0, queued=False).products["f32"]
    assert rates.seconds[0] == pytest.approx(0.2e-5)


@pytest.mark.parametrize(
    ("missing", "why"),
    [
        ("dispatch/call/f32", "what calls cost"),
        ("dispatch/handed/f32", "what calls cost"),
        ("dispatch/kernels/f32", "what calls cost"),
        ("memory/read/", "no bandwidth was measured"),
        ("memory/update/", "no bandwidth was measured"),
    ],
)
def test_without_some_nothing_can_be_told(missing: str, why: str) -> None:
    timed = [each for each in IDEAL.timed() if not each.case.id.startswith(missing)]
    with pytest.raises(LookupError, match=why):
        ceilings_of(timed, usual, private_bytes=0, queued=False)


def test_slopes_without_a_spread_tell_nothing() -> None:
    timed = [
        replace(each, observations={"slope_s": 1e-6}) if "chain" in each.case.id else each
        for each in IDEAL.timed()
    ]
    with pytest.raises(LookupError, match="scatter"):
        ceilings_of(timed, usual, private_bytes=0, queued=False)


def test_slopes_have_their_own_ends(hardware: Hardware) -> None:
    kernels_s = [each.dispatch.kernel_s for each in (hardware.best, hardware.worst)]
    assert kernels_s == pytest.approx([1e-6 / 1.05, 1e-6 * 1.05])


def test_a_shape_that_was_chained_is_told_by_that_alone() -> None:
    """The call of a small product may be all way."""
    call = find("matmul/256/f32")
    chained = next(
        each
        for each in IDEAL.timed()
        if each.case.id.endswith("chained/f32")
        and [each.case.integer(name) for name in ("m", "k", "n")] == [256, 256, 256]
        and "batch" not in each.case.parameters
    )
    slow = Timed(case=call, best_s=1.0, median_s=1.0, worst_s=1.0)
    others = [each for each in IDEAL.timed() if each.case.workload != "matmul"]
    rates = ceilings_of([*others, chained, slow], usual, private_bytes=0, queued=True)
    assert rates.products["f32"].seconds == pytest.approx([2 * 256**3 / 1e11], rel=0.05)


def test_what_is_taken_off_is_as_usual() -> None:
    """A hiccup of what only moves makes no function faster."""
    hiccup = [
        replace(each, worst_s=10 * each.worst_s, best_s=each.best_s / 10)
        if each.case.id.startswith("activation/relu") or "handed" in each.case.id
        else each
        for each in IDEAL.timed()
    ]
    calm = hardware_of(IDEAL.timed(), private_bytes=0, queued=False)
    found = hardware_of(hiccup, private_bytes=0, queued=False)
    for one, other in ((calm.best, found.best), (calm.worst, found.worst)):
        assert one.function_s("gelu", "f32") == other.function_s("gelu", "f32")
        assert one.product_s("f32", [(1, 512, 512, 512)]) == other.product_s(
            "f32", [(1, 512, 512, 512)]
        )


def test_slopes_through_deciles_are_put_in_order() -> None:
    odd = {"slope_s": 1e-6, "slope_best_s": 1.2e-6, "slope_worst_s": 0.7e-6}
    timed = [
        replace(each, observations=odd) if "dispatch/kernels" in each.case.id else each
        for each in IDEAL.timed()
    ]
    found = hardware_of(timed, private_bytes=0, queued=False)
    kernels_s = [each.dispatch.kernel_s for each in (found.best, found.usual, found.worst)]
    assert kernels_s == [0.7e-6, 1e-6, 1.2e-6]


def test_transpositions_are_of_all_sizes_together(hardware: Hardware) -> None:
    rates = hardware.usual.transposed["f32"].rates
    assert len(rates) == 2
    elements = 2.0**20
    assert hardware.usual.transposed_s(8 * elements, "f32") == pytest.approx(
        elements / (rates[0] * rates[1]) ** 0.5
    )


def test_a_convolution_is_the_product_of_its_patches() -> None:
    assert as_product((2, 14, 3, 1, 64, 128)) == (1, 2 * 14 * 14, 9 * 64, 128)
    assert as_product((1, 224, 7, 2, 3, 64)) == (1, 112 * 112, 49 * 3, 64)


def slower(times: float, *words: str) -> list[Timed]:
    """All cases, of which those with each of `words` in their ids take so many times as long."""
    return [
        replace(each, median_s=times * each.median_s)
        if all(word in each.case.id for word in words)
        else each
        for each in IDEAL.timed()
    ]


def ceilings(timed: list[Timed]) -> Ceilings:
    return ceilings_of(timed, usual, private_bytes=IDEAL.private_bytes, queued=False)


SHAPE = (1, 256, 512, 256)


def test_gradients_of_products_have_their_own_rates() -> None:
    found = ceilings(slower(3.0, "weight-gradient", "bf16"))
    (forward_s,) = found.product_s("bf16", [SHAPE])
    (by_input_s,) = found.product_s("bf16", [SHAPE], "input-gradient")
    assert forward_s is not None
    assert by_input_s == pytest.approx(forward_s, rel=0.1)
    for axes in (1, 2):
        (by_weight_s,) = found.product_s("bf16", [SHAPE], "weight-gradient", axes)
        assert by_weight_s == pytest.approx(3 * forward_s, rel=0.1)


def test_a_gradient_over_two_axes_has_its_own_where_it_was_measured() -> None:
    found = ceilings(slower(3.0, "weight-gradient-over-2-axes"))
    (one_s,) = found.product_s("bf16", [SHAPE], "weight-gradient", 1)
    (two_s,) = found.product_s("bf16", [SHAPE], "weight-gradient", 2)
    assert one_s is not None
    assert two_s == pytest.approx(3 * one_s, rel=0.1)
    one, two = (found.product_s("f32", [SHAPE], "weight-gradient", axes) for axes in (1, 2))
    assert one == two


def test_gradients_that_were_not_measured_are_taken_for_forward_products() -> None:
    found = ceilings([each for each in IDEAL.timed() if "gradient" not in each.case.id])
    assert found.product_s("f32", [SHAPE], "weight-gradient", 2) == found.product_s("f32", [SHAPE])


def test_kernels_between_products_are_taken_off() -> None:
    """Four beside each: their loop's slope is half a microsecond."""
    chain = next(each for each in IDEAL.timed() if each.case.id == "matmul/16x512x512-chained/f32")
    passes = chain.case.integer("passes")
    beside_s = passes * 4 * IDEAL.kernel_s / 2
    fuller = replace(chain, median_s=chain.median_s + beside_s, kernels=5 * passes)
    others = [each for each in IDEAL.timed() if each.case.workload != "matmul"]
    plain, taken = (ceilings([*others, each]).products["f32"] for each in (chain, fuller))
    assert taken.seconds == pytest.approx(plain.seconds)


def test_few_rows_read_weights_from_afar_no_faster_than_they_were_seen_to() -> None:
    found = ceilings(slower(3.0, "over-16-weights", "4x1024x1024", "f32"))
    assert found.slowed_by("f32", 1) == pytest.approx(1.0, rel=0.1)
    assert found.slowed_by("f32", 4) > 3.0  # three times all of it, less what it computes
    assert found.slowed_by("f32", 64) == found.slowed_by("f32", 1024) == 1.0
    assert found.slowed_by("int8", 4) == 1.0


def test_weights_that_the_caches_hold_tell_of_computing() -> None:
    near = ceilings_of(IDEAL.timed(), usual, private_bytes=1e9, queued=False)
    far = ceilings_of(IDEAL.timed(), usual, private_bytes=1e6, queued=False)
    assert len(near.products["f32"].shapes) == len(far.products["f32"].shapes) + 3
    assert not near.slowed


def test_fresh_memory_costs_by_the_byte_but_where_a_client_keeps_it() -> None:
    allocate = find("memory/allocate/64MiB/f32")
    timed = [
        replace(each, median_s=0.02 + IDEAL.handed_s) if each.case == allocate else each
        for each in IDEAL.timed()
    ]
    assert ceilings(timed).fresh_s == pytest.approx(0.02 / 2**26)
    assert ceilings_of(timed, usual, private_bytes=0, queued=True).fresh_s == 0.0


def test_a_thread_that_sleeps_takes_no_less_than_one_that_does_not() -> None:
    found = ceilings(slower(0.1, "dispatch/woken"))
    assert found.dispatch.woken_s == found.dispatch.handed_s == IDEAL.handed_s
    assert ceilings(list(IDEAL.timed())).dispatch.woken_s == IDEAL.woken_s
