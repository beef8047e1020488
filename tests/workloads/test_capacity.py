"""How much fits is found, step by step, and whatever ends a step is told."""

import signal
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workloads.conftest import build
from tests.workloads.tiny_transformer import TINY
from workloads import capacity, noise, room
from workloads.capacity import (
    RESOLUTION,
    TOO_MUCH,
    Fit,
    frontier,
    probe,
    room_bytes,
    search,
    why,
)
from workloads.capacity_probe import DOES_NOT_FIT
from workloads.case import Case
from workloads.catalog import find
from workloads.numerics import WrongNumbers
from workloads.prepare import prepare
from workloads.transformer import decode

BATCH = find("memory/capacity/nano-batch/f32")
CONTEXT = find("memory/capacity/nano-context/f32")


def limited(units: int) -> Any:
    """Attempts of which all up to `units` fit."""
    return lambda size: Fit(call_s=0.5, peak_rss_bytes=size) if size <= units else TOO_MUCH


@given(units=st.integers(1, 5000), guess=st.integers(0, 5000))
def test_the_largest_is_found_from_any_guess(units: int, guess: int) -> None:
    found = search(limited(units), guess)
    step = max(1, found.largest * RESOLUTION)
    assert found.largest <= units < min(found.fails) <= found.largest + step
    assert max(found.fits) < min(found.fails)


def test_where_nothing_fits_the_search_ends_at_one() -> None:
    found = search(limited(0), 100)
    assert (found.largest, min(found.fails)) == (0, 1)


def test_a_step_is_never_tried_twice() -> None:
    tried: list[int] = []

    def attempt(size: int) -> Fit | str:
        tried.append(size)
        found: Fit | str = limited(37)(size)
        return found

    search(attempt, 50)
    assert len(tried) == len(set(tried))


@pytest.mark.parametrize(
    ("case", "name", "unit", "per_call"), [(BATCH, "batch", 1, None), (CONTEXT, "context", 128, 1)]
)
def test_the_frontier_tells_every_step(
    monkeypatch: pytest.MonkeyPatch, case: Case, name: str, unit: int, per_call: int | None
) -> None:
    def attempt(sized: dict[str, Any], dtype: str, limit_bytes: int) -> Fit | str:
        units = sized[name] // unit
        assert (dtype, limit_bytes, sized[name] % unit) == ("f32", 1 << 30, 0)
        return Fit(call_s=0.25, peak_rss_bytes=units) if units <= 100 else "full"

    monkeypatch.setattr(capacity, "probe", attempt)
    monkeypatch.setattr(capacity, "room_bytes", lambda _: 1 << 30)
    told = frontier(case)
    largest = int(told[f"capacity_{name}"])
    assert 97 * unit <= largest <= 100 * unit
    assert told["probe_peak_rss_bytes"] == largest // unit
    # 4 layers, 2 heads of 32, keys and values in f32: 2 KiB a position of one sequence.
    positions = largest * (1024 if name == "batch" else 1)
    assert told["cache_bytes"] == 2048 * positions
    assert told[f"tokens_per_s_at_{name}_{largest}"] == 4 * (per_call or largest)
    fails = [key for key in told if key.startswith(f"does_not_fit_{name}_")]
    assert {told[key] for key in fails} == {"full"}
    assert min(int(key.rsplit("_", 1)[1]) for key in fails) > 100 * unit


def test_where_not_even_one_fits_the_case_is_out_of_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(capacity, "probe", lambda *_: TOO_MUCH)
    with pytest.raises(MemoryError, match=f"batch 1 does not fit: {TOO_MUCH}"):
        frontier(BATCH)


def test_the_room_is_what_is_left_up_to_the_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    uncapped = replace(BATCH, parameters={**BATCH.parameters, "cap_bytes": 0})
    monkeypatch.setattr(noise, "rss_bytes", lambda: 1000)
    monkeypatch.setattr(room, "host_bytes", lambda: 5000)
    monkeypatch.setattr(room, "available_bytes", lambda: 9000)
    assert room_bytes(uncapped) == room_bytes(BATCH) == 4000
    monkeypatch.setattr(room, "available_bytes", lambda: 3000)
    assert room_bytes(uncapped) == 3000
    assert room_bytes(replace(BATCH, parameters={"cap_bytes": 2000})) == 2000
    monkeypatch.setattr(room, "device_bytes", lambda: 7000)
    assert room_bytes(BATCH) == 7000
    monkeypatch.setattr(room, "device_bytes", lambda: None)
    monkeypatch.setattr(room, "available_bytes", lambda: None)
    with pytest.raises(room.Unsuitable, match="cannot be read"):
        room_bytes(BATCH)


def test_a_probe_that_fits_has_decoded_within_the_limit() -> None:
    fit = probe({**BATCH.parameters, "batch": 2}, "f32", 4 << 30)
    assert isinstance(fit, Fit)
    assert 0 < fit.call_s < 10
    assert 100 << 20 < fit.peak_rss_bytes < 4 << 30


def test_a_probe_that_takes_more_than_the_limit_is_ended() -> None:
    assert probe({**BATCH.parameters, "batch": 2}, "f32", 100 << 20) == TOO_MUCH


def test_a_probe_that_fails_says_why() -> None:
    said = probe({**BATCH.parameters, "heads": 0}, "f32", 4 << 30)
    assert said == "exit status 1: ZeroDivisionError: integer division or modulo by zero"


def tiny_capacity(monkeypatch: pytest.MonkeyPatch, layers: int) -> Case:
    """The case at a size that takes milliseconds, whose search finds room for 7."""
    monkeypatch.setattr(capacity, "frontier", lambda _: {"capacity_batch": 7})
    parameters = {**BATCH.parameters, **TINY, "layers": layers, "batch": 2, "context": 24}
    return replace(BATCH, id="memory/capacity/tiny-batch/f32", parameters=parameters)


def test_the_frontier_is_observed_beside_a_checked_decode(monkeypatch: pytest.MonkeyPatch) -> None:
    case = tiny_capacity(monkeypatch, layers=2)
    prepared = prepare(case, build(case))
    assert prepared.observe() == {"capacity_batch": 7}
    assert 0 < prepared.numerics_error < case.tolerance


@pytest.mark.usefixtures("hasty")
def test_a_stale_entry_of_the_cache_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    case = tiny_capacity(monkeypatch, layers=1)  # JAX keeps the trace of what it has seen
    monkeypatch.setattr(decode, "written", lambda cache, *_: cache)
    with pytest.raises(WrongNumbers):
        prepare(case, build(case))


def test_every_end_has_its_reason() -> None:
    assert why(DOES_NOT_FIT, "") == "an allocation was refused"
    assert why(-signal.SIGKILL, "x") == "killed"
    assert why(-signal.SIGABRT, "a\nstd::bad_alloc\n") == "exit status -6: std::bad_alloc"
    assert why(1, "") == "exit status 1: nothing was said"
    assert len(why(1, "x" * 9999)) == capacity.REASON_CHARACTERS
