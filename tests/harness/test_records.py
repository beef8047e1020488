"""Container output is untrusted: everything that is no record is a BadRecord with its reason."""

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.records import (
    MOST_OTHER_BYTES,
    MOST_SAMPLES,
    BadRecord,
    Benchmark,
    CaseStarted,
    Collected,
    Environment,
    Failure,
    Finished,
    Measurement,
    Profile,
    parse,
)
from tests.harness.samples import (
    A,
    benchmark,
    collected,
    environment,
    failure,
    finished,
    gpu,
    line,
    measurement,
    one_more,
    parsed_benchmark,
    parsed_measurement,
    profile,
    started,
)


def test_a_measurement_keeps_every_field() -> None:
    record = measurement(samples_s=[0.1, 2.5e-308, 5e-324, 1e-9])
    kept = parsed_measurement(samples_s=record["samples_s"]).model_dump(by_alias=True)
    assert kept == record


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        (environment(), Environment),
        (started(A), CaseStarted),
        (failure(A), Failure),
        (finished(2), Finished),
        (environment(distribution=None), Environment),
        (environment(jax=None, jaxlib=None, platform="none"), Environment),
        (benchmark("test_a.py::TestB::test_c[two words-é]"), Benchmark),
        (profile(A), Profile),
        (profile(A, device_s=None, operations=[]), Profile),
        (collected("a", "b", failures=[{"case": None, "message": "why"}]), Collected),
    ],
)
def test_every_other_kind_round_trips(record: dict[str, Any], kind: type) -> None:
    parsed = parse(line(record))
    assert isinstance(parsed, kind)
    assert parsed.model_dump(by_alias=True) == record


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"this is no record",
        b"[]",
        b"null",
        b"3",
        b'"\xff"',
        b'{"schema": 2, "kind": "finished", "cases": 1',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"schema": 2, "kind": "finished", "cases": ' + b"9" * 100_000 + b"}",
        b'{"schema": 2, "kind": "case_started", "case": "\\ud800"}',
    ],
    ids=lambda text: text[:24].decode(errors="replace"),
)
def test_what_is_no_record_is_refused(text: bytes) -> None:
    with pytest.raises(BadRecord, match=r"."):
        parse(text)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"schema": 1}, "schema"),
        ({"schema": "1"}, "schema"),
        ({"schema": None}, "schema"),
        ({"kind": "measurment"}, "kind|tag"),
        ({"kind": 7}, "kind|tag"),
        ({"samples_s": []}, "samples_s: .*at least 1"),
        ({"samples_s": [1.0, float("nan")]}, r"samples_s\.1: .*finite"),
        ({"samples_s": [float("inf")]}, r"samples_s\.0: .*finite"),
        ({"samples_s": [-1e-3]}, r"samples_s\.0: .*greater than 0"),
        ({"samples_s": [0.0]}, r"samples_s\.0: .*greater than 0"),
        ({"samples_s": ["1.0"]}, r"samples_s\.0: .*number"),
        ({"samples_s": [True]}, r"samples_s\.0: .*number"),
        ({"samples_s": 1.0}, "samples_s: .*array"),
        ({"flops": float("nan")}, "flops"),
        ({"flops": -1.0}, "flops"),
        ({"xla_bytes": float("inf")}, "xla_bytes"),
        ({"compile_s": float("-inf")}, "compile_s"),
        ({"steal_s": -0.1}, "steal_s"),
        ({"minor_faults": 1.5}, "minor_faults"),
        ({"minor_faults": True}, "minor_faults"),
        ({"minor_faults": 2**63}, "minor_faults"),
        ({"temp_bytes": 10**30}, "temp_bytes"),
        ({"calls_per_round": 0}, "calls_per_round"),
        ({"calls_per_round": 2**31}, "calls_per_round"),
        ({"hlo_sha256": "g" * 64}, "hlo_sha256"),
        ({"case": ""}, "case"),
        ({"case": "matmul/256/f32\n"}, "case"),
        ({"case": "\x1b[31mred"}, "case"),
        ({"case": "a" * 513}, "case"),
        ({"case": "a\u202eb"}, "case"),
        ({"case": None}, "case"),
        ({"workload": "w" * 5000}, "workload"),
        ({"parameters": {"x": float("nan")}}, "parameters"),
        ({"parameters": {"x": float("inf")}}, "parameters"),
        ({"parameters": {"x": 10**400}}, "parameters"),
        ({"parameters": {"x": [1]}}, "parameters"),
        ({"warnings": "none"}, "warnings"),
        ({"surprise": 1}, "surprise"),
        ({"gpu": gpu(1e9, 1e9)}, "gpu tells of other rounds than the 1"),
        ({"gpu": gpu(1e9, marked=[1])}, "gpu tells of other rounds than the 1"),
        ({"gpu": gpu(-1.0)}, "gpu.sm_clocks_hz"),
        ({"gpu": gpu(1e9, surprise=1)}, "gpu.surprise"),
        ({"gpu": gpu(1e9, others=[one_more(1e9, 1e9)])}, "gpu tells of other rounds than the 1"),
        ({"gpu": gpu(1e9, others=[one_more(1e9, marked=[1])])}, "gpu tells of other rounds"),
        ({"gpu": gpu(1e9, others=[gpu(1e9)])}, "gpu.others.0"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_bad_field_is_named(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(BadRecord, match=reason):
        parse(line(measurement() | changes))


def test_what_a_gpu_was_doing_is_kept() -> None:
    seen = gpu(1.9e9, None, 1.2e9, marked=[2], throttle_reasons=["sw_power_cap"])
    kept = parsed_measurement(samples_s=[1.0, 1.0, 2.0], gpu=seen)
    assert kept.model_dump(by_alias=True)["gpu"] == seen


def test_what_several_gpus_were_doing_is_kept() -> None:
    seen = gpu(1.9e9, others=[one_more(1.2e9, marked=[0], uuid="GPU-5678")])
    assert parsed_measurement(gpu=seen).model_dump()["gpu"] == seen


def test_of_an_older_image_s_gpu_each_round_was_looked_at() -> None:
    seen = gpu(1.9e9)
    del seen["looked_at"], seen["others"]
    kept = parsed_measurement(gpu=seen).gpu
    assert kept is not None
    assert (kept.looked_at, kept.others) == (None, [])


def test_of_many_rounds_a_gpu_tells_of_those_that_were_looked_at() -> None:
    seen = gpu(1.9e9, 1.2e9, looked_at=[0, 7], marked=[7])
    kept = parsed_benchmark("a", samples_s=[1.0] * 9, gpu=seen)
    assert kept.model_dump()["gpu"] == seen


@pytest.mark.parametrize(
    "changes",
    [
        {"looked_at": [0, 9]},
        {"looked_at": [7, 7]},
        {"looked_at": [0]},
        {"looked_at": None},
        {"looked_at": [0, 7], "marked": [1]},
        {"looked_at": [0, 7], "others": [one_more(1e9)]},
        {"looked_at": [0, 7], "others": [one_more(1e9, 1e9, marked=[1])]},
    ],
)
def test_rounds_that_were_not_looked_at_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(BadRecord, match="gpu tells of other rounds than the 9"):
        parse(line(benchmark("a", [1.0] * 9, gpu=gpu(1.9e9, 1.2e9, **changes))))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"extra_info": {"a": [{"b": float("nan")}]}}, "extra_info: .*JSON compliant"),
        ({"parameters": {"a": float("inf")}}, "parameters: .*JSON compliant"),
        ({"options": []}, "options"),
        ({"platform": "abacus"}, "platform"),
        ({"samples_s": [0.0]}, "samples_s"),
        ({"flops": 1.0}, "flops"),
    ],
)
def test_a_bad_field_of_a_benchmark_is_named(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(BadRecord, match=reason):
        parse(line(benchmark("a") | changes))


YOUNGER = (
    "kernels",
    "product_bytes",
    "turned_bytes",
    "streamed_bytes",
    "arguments",
    "results",
    "gpu",
)
"""Than images that are pinned as anchors, and are measured for years."""


@pytest.mark.parametrize("field", sorted(set(measurement()) - set(YOUNGER)))
def test_a_missing_field_is_named(field: str) -> None:
    record = measurement()
    del record[field]
    with pytest.raises(BadRecord, match=field):
        parse(line(record))


def test_an_older_image_knows_nothing_of_some_fields() -> None:
    record = {name: value for name, value in measurement().items() if name not in YOUNGER}
    parsed = parse(line(record))
    assert isinstance(parsed, Measurement)
    assert all(getattr(parsed, name) is None for name in YOUNGER)


def test_an_unknown_platform_or_failure_is_refused() -> None:
    with pytest.raises(BadRecord, match="platform"):
        parse(line(environment(platform="abacus")))
    with pytest.raises(BadRecord, match="failure"):
        parse(line(failure(A, kind="vanished")))


def test_too_many_samples_are_refused() -> None:
    with pytest.raises(BadRecord, match="samples_s"):
        parse(line(measurement(samples_s=[1.0] * (MOST_SAMPLES + 1))))
    kept = parsed_measurement(samples_s=[0.12345678901234567] * MOST_SAMPLES)
    assert len(kept.samples_s) == MOST_SAMPLES


WIDE = 1 << 20 | 1


@pytest.mark.parametrize(
    "bomb",
    [
        {"extra_info": {"x": [[]] * WIDE}},
        {"extra_info": {"x": "\N{PILE OF POO}" + "a" * MOST_OTHER_BYTES}},
        {"extra_info": {str(number): 0 for number in range(WIDE >> 2)}},
        {"extra_info": {"samples_s": [1] * WIDE}, "samples_s": [1]},
        {"samples_s": [1] * WIDE},
    ],
    ids=["lists", "text", "keys", "numbers", "samples"],
)
def test_what_would_take_much_memory_is_refused_unread(bomb: dict[str, Any]) -> None:
    tracemalloc.start()
    text = line(benchmark("a") | bomb)
    before, _ = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    with pytest.raises(BadRecord, match=r"beside its samples|1,000,000 samples"):
        parse(text)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak - before <= len(text) + (1 << 20)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.just("x"), inner),
    max_leaves=3,
)


@given(st.binary())
def test_random_bytes_raise_nothing_else(text: bytes) -> None:
    with pytest.raises(BadRecord):
        parse(text)


@given(st.sampled_from(sorted(measurement())), JSON)
def test_one_random_field_is_refused_or_kept_as_it_is(field: str, value: Any) -> None:
    """What gets through can be written as JSON without NaN: it will be, in reports."""
    text = line(measurement() | {field: value})
    try:
        record = parse(text)
    except BadRecord:
        return
    json.dumps(record.model_dump(), allow_nan=False)
