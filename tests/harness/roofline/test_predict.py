"""Predictions follow the ceilings, and what fits is what there is room for."""

from dataclasses import replace

import pytest

from harness.roofline.ceilings import Hardware
from harness.roofline.label import label
from harness.roofline.predict import PHASES, Prediction, Shape, case_of, predict
from harness.roofline.terms import bounds
from tests.harness.roofline.ideal import Ideal
from workloads.catalog import find
from workloads.catalog.transformer_operations import operations
from workloads.catalog.transformer_sizes import B7, NANO, SMALL

SHAPE = Shape(size=SMALL, batch=4, context=256, dtype="f32")


@pytest.fixture(scope="module")
def hardware() -> Hardware:
    return Ideal().hardware()


def of(
    phase: str, shape: Shape, hardware: Hardware, memory_bytes: float | None = 16e9
) -> Prediction:
    return next(each for each in predict(shape, hardware, memory_bytes) if each.phase == phase)


def test_every_phase_has_its_interval(hardware: Hardware) -> None:
    found = list(predict(SHAPE, hardware, 16e9))
    assert [each.phase for each in found] == list(PHASES)
    assert all(each.low_s <= each.usual_s <= each.high_s for each in found)


def test_the_interval_holds_what_a_label_would_explain(hardware: Hardware) -> None:
    found = of("prefill", SHAPE, hardware)
    case = case_of(SHAPE, "prefill")
    limits = bounds(case, operations(SMALL, "prefill", "f32", batch=4, context=256), None, hardware)
    for measured_s, explained in ((1.01, True), (0.99, False)):
        told = label(case, measured_s * found.low_s, limits).label
        assert (told != "invalid") is explained
        told = label(case, found.high_s / measured_s, limits).label
        assert (told != "unexplained") is explained


def test_a_token_is_a_sequence_s_share_of_a_call(hardware: Hardware) -> None:
    decode, prefill = of("decode", SHAPE, hardware), of("prefill", SHAPE, hardware)
    assert decode.token_s == pytest.approx(decode.usual_s / 4)
    assert prefill.token_s == pytest.approx(prefill.usual_s / (4 * 256))


def test_decoding_alone_waits_for_memory_and_reading_for_the_cores(hardware: Hardware) -> None:
    alone = replace(SHAPE, batch=1)
    assert of("decode", alone, hardware).binding == "bandwidth"
    assert of("prefill", alone, hardware).binding == "compute"


def test_what_is_predicted_costs_what_the_catalogue_s_case_does() -> None:
    known = find("transformer/small/decode/f32")
    batch, context = known.integer("batch"), known.integer("context")
    case = case_of(Shape(size=SMALL, batch=batch, context=context, dtype="f32"), "decode")
    assert case.cost == known.cost
    assert case.work == known.work


def test_the_largest_batch_fits_and_the_next_does_not(hardware: Hardware) -> None:
    largest = of("decode", SHAPE, hardware, 4e9).largest_batch
    assert largest is not None
    assert of("decode", replace(SHAPE, batch=largest), hardware).memory_bytes <= 4e9
    assert of("decode", replace(SHAPE, batch=largest + 1), hardware).memory_bytes > 4e9


def test_a_model_that_does_not_fit_has_no_batch(hardware: Hardware) -> None:
    found = of("decode", Shape(size=B7, batch=1, context=128, dtype="bf16"), hardware, 8e9)
    assert (found.largest_batch, found.largest_context) == (0, 0)


def test_where_memory_is_unknown_so_is_what_fits(hardware: Hardware) -> None:
    found = of("decode", SHAPE, hardware, None)
    assert (found.largest_batch, found.largest_context) == (None, None)


def test_more_of_either_takes_longer(hardware: Hardware) -> None:
    for phase in PHASES:
        one = of(phase, replace(SHAPE, size=NANO), hardware)
        assert of(phase, replace(SHAPE, size=NANO, batch=8), hardware).usual_s > one.usual_s
        assert of(phase, replace(SHAPE, size=NANO, context=512), hardware).usual_s > one.usual_s


def test_a_dtype_without_ceilings_is_not_predicted(hardware: Hardware) -> None:
    """Products of f16 are measured, and no functions."""
    assert list(predict(replace(SHAPE, dtype="f16"), hardware, None)) == []
    without = replace(hardware.usual, products={"f32": hardware.usual.products["f32"]})
    known = replace(hardware, usual=without)
    assert list(predict(replace(SHAPE, dtype="bf16"), known, None)) == []
