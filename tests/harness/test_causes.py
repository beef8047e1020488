"""Who made a case slower: each cause alone, and that the others are not blamed."""

from dataclasses import replace
from typing import Any

import pytest

from harness.bottleneck import hardware, timed
from harness.causes import Change, changes
from harness.store.reader import Reader
from harness.store.writer import Store
from tests.harness.roofline.ideal import Ideal
from tests.harness.roofline.stored import add_ceilings, add_measured
from workloads.catalog import find

CASE = "memory/triad/128MiB/f32"
FAST = Ideal(private_bytes=2 * 32 * 1024)
SLOW = replace(FAST, far_bytes_per_s=FAST.far_bytes_per_s / 1.5)
OTHER = {"hlo_sha256": "1" * 64}


def triad_s(ideal: Ideal) -> float:
    return find(CASE).cost.bytes / ideal.far_bytes_per_s


@pytest.mark.parametrize(
    ("after", "factor", "more", "cause"),
    [
        (FAST, 1.0, {}, "none"),
        (FAST, 1.01, OTHER, "none"),
        (SLOW, 1.5, {}, "machine"),
        (SLOW, 1.5, OTHER, "machine"),
        (FAST, 1.5, OTHER, "compiler"),
        (FAST, 1.5, {}, "itself"),
        (FAST, 1.5, {"hlo_sha256": None}, "itself"),
        (SLOW, 5.0, {}, "itself"),  # more than the machine can be blamed for
        (SLOW, 1 / 1.5, {}, "itself"),  # faster, though the machine is slower
    ],
)
def test_the_cause(
    store: Store, url: str, after: Ideal, factor: float, more: dict[str, Any], cause: str
) -> None:
    names = [
        add_ceilings(store, FAST),
        add_measured(store, {CASE: (triad_s(FAST), {})}),
        add_ceilings(store, after),
        add_measured(store, {CASE: (factor * triad_s(FAST), more)}),
    ]
    with Reader(url) as reader:
        facts = reader.machines()[0].facts
        ceilings, base, later, candidate = (reader.measurements(name) for name in names)
        machines = (hardware(timed(ceilings), facts, "cpu"), hardware(timed(later), facts, "cpu"))
    (found,) = changes(base, candidate, machines, same_stack=True)
    assert isinstance(found, Change)
    assert found.cause == cause
    (other,) = changes(base, candidate, machines, same_stack=False)
    assert other.cause == ("machine or image" if cause == "machine" else cause)
    assert found.ratio == pytest.approx(factor)
    assert found.ceilings_ratio == pytest.approx(triad_s(after) / triad_s(FAST), rel=0.02)


def test_cases_of_one_run_alone_are_left_out(store: Store, url: str) -> None:
    names = [
        add_ceilings(store, FAST),
        add_measured(store, {CASE: (1.0, {}), "matmul/256/f32": (1.0, {})}),
        add_measured(store, {CASE: (1.0, {}), "matmul/512/f32": (1.0, {})}),
    ]
    with Reader(url) as reader:
        ceilings, base, candidate = (reader.measurements(name) for name in names)
        machine = hardware(timed(ceilings), reader.machines()[0].facts, "cpu")
    assert [
        each.case for each in changes(base, candidate, (machine, machine), same_stack=True)
    ] == [CASE]


def test_what_no_ceiling_tells_is_not_the_machine_s(store: Store, url: str) -> None:
    case = "storage/records-4096MiB/sequential-cold/f32"
    names = [
        add_measured(
            store,
            {
                each.case.id: (each.median_s, {"observations": each.observations})
                for each in FAST.timed()
                if each.case.workload != "storage"
            },
            suite="ceilings",
        ),
        add_measured(store, {case: (1.0, {})}),
        add_measured(store, {case: (2.0, {})}),
    ]
    with Reader(url) as reader:
        ceilings, base, candidate = (reader.measurements(name) for name in names)
        machine = hardware(timed(ceilings), reader.machines()[0].facts, "cpu")
    (found,) = changes(base, candidate, (machine, machine), same_stack=True)
    assert (found.ceilings_ratio, found.cause) == (None, "itself")
