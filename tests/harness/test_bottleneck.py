"""Stored runs and the ceilings of their machine."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from harness.bottleneck import (
    Bottlenecks,
    Incomplete,
    hardware,
    label_run,
    measured_ceilings,
    nearest,
    private_bytes,
    ran,
    timed,
    widened,
)
from harness.errors import UsageError
from harness.roofline.capacity import allocatable_bytes
from harness.roofline.ceilings import Timed
from harness.store.reader import Reader, Run
from harness.store.writer import Store
from tests.harness.history import A_RUN, MACHINE
from tests.harness.roofline.ideal import Ideal
from tests.harness.roofline.stored import add_ceilings, add_measured
from workloads.catalog import find

IDEAL = Ideal(private_bytes=2 * 32 * 1024)
"""Two cores with a first cache, as `MACHINE` has."""

Labelling = Callable[..., Bottlenecks]

RAN = {
    "kernels": 10,
    "product_bytes": 0.0,
    "turned_bytes": 0.0,
    "streamed_bytes": 0.0,
    "arguments": 3,
    "results": 1,
}


@pytest.fixture
def labelling(store: Store, url: str) -> Labelling:
    """Labels cases that took so long, by the ceilings of IDEAL."""

    def labels(**measured: Any) -> Bottlenecks:
        by = add_ceilings(store, IDEAL)
        run = add_measured(store, measured["measured"])
        with Reader(url) as reader:
            machine = hardware(timed(reader.measurements(by)), reader.machines()[0].facts, "cpu")
            return label_run(run, by, reader.measurements(run, samples=False), machine)

    return labels


def seconds_of(case: str) -> float:
    return IDEAL.seconds(find(case))


def test_known_answers(labelling: Labelling) -> None:
    found = labelling(
        measured={
            "matmul/2048/f32": (seconds_of("matmul/2048/f32"), RAN),
            "memory/triad/128MiB/f32": (1.5 * 2**28 / 1e10, RAN),
            "dispatch/call/f32": (1e-5, {**RAN, "arguments": 1, "kernels": 0}),
            "storage/records-64/write-by-1/f32": (64 * 4096 / 1e9, {}),
            "collective/all-reduce/16MiB-x2/f32": (2**24 / 5e9, {}),
        }
    )
    labels = {each.case.split("/")[0]: each.label for each in found.labelled}
    assert labels == {
        "matmul": "compute",
        "memory": "bandwidth",
        "dispatch": "dispatch",
        "storage": "storage",
        "collective": "link",
    }
    assert found.beaten == ()


def test_what_the_compiled_program_does_explains_more(labelling: Labelling) -> None:
    case = "transformer/nano/prefill/f32"
    moved = RAN | {"streamed_bytes": 2e8, "kernels": 100}
    found = labelling(measured={case: (0.022, moved)})
    (one,) = found.labelled
    assert one.label == "bandwidth"
    plain = labelling(measured={case: (0.022, RAN)})
    assert plain.labelled[0].label == "unexplained"


def test_a_case_that_beats_a_ceiling_is_told(labelling: Labelling) -> None:
    found = labelling(measured={"matmul/2048/f32": (seconds_of("matmul/2048/f32") / 2, RAN)})
    assert found.labelled[0].label == "invalid"
    (beaten,) = found.beaten
    assert (beaten.case, beaten.ceiling) == ("matmul/2048/f32", "compute")
    assert beaten.factor == pytest.approx(2, rel=0.05)


def test_so_is_one_that_moves_faster_than_memory(labelling: Labelling) -> None:
    found = labelling(measured={"memory/copy/128MiB/f32": (0.5 * 2**28 / 1e10, RAN)})
    (beaten,) = found.beaten
    assert (beaten.ceiling, found.labelled[0].label) == ("bandwidth", "invalid")


def test_what_was_defined_otherwise_has_its_cost_alone(labelling: Labelling) -> None:
    """Years ago, `nano` may have been another model."""
    other = RAN | {"parameters": {"layers": 1}, "flops": 1.0, "bytes": 1e9}
    found = labelling(measured={"transformer/nano/forward/f32": (0.1, other)})
    (one,) = found.labelled
    assert one.label == "bandwidth"
    assert [part.part for part in one.bounds.parts] == ["call"]


def test_programs_that_nobody_looked_into_are_labelled_without(labelling: Labelling) -> None:
    found = labelling(measured={"matmul/2048/f32": (seconds_of("matmul/2048/f32"), {})})
    assert found.labelled[0].label == "compute"


def test_memory_that_is_full(labelling: Labelling) -> None:
    case = find("memory/capacity/nano-batch/f32")
    rising = {f"tokens_per_s_at_batch_{size}": 100.0 * size for size in (26, 29, 32)}
    observed = {"observations": rising | {"does_not_fit_batch_33": "killed"}}
    found = labelling(measured={case.id: (1e-2, RAN | observed)})
    assert found.labelled[0].label == "capacity"


def test_ceilings_are_what_all_launches_say(store: Store, url: str) -> None:
    name = add_ceilings(store, IDEAL)
    with Reader(url) as reader:
        found = {each.case.id: each for each in timed(reader.measurements(name))}
    one = found["matmul/1024/f32"]
    assert one.best_s < one.median_s < one.worst_s
    assert one.median_s == pytest.approx(seconds_of("matmul/1024/f32"))
    assert found["dispatch/kernels/f32"].observations["slope_s"] == pytest.approx(1e-6)


def test_what_a_program_streams_is_what_its_operation_moves(labelling: Labelling) -> None:
    """A stream's bytes stand in the case and in the program: they are moved once."""
    case = "memory/triad/128MiB/f32"
    streamed = RAN | {"streamed_bytes": 3.0 * 2**27, "kernels": 1}
    found = labelling(measured={case: (3 * 2**27 / 1e10, streamed)})
    (one,) = found.labelled
    assert one.bounds.terms.bandwidth_s == pytest.approx(3 * 2**27 / 1e10, rel=0.05)
    assert one.label == "bandwidth"


@pytest.mark.parametrize(
    ("changes", "fresh_bytes"),
    [
        ({}, 0.0),
        ({"temp_bytes": 32 << 20}, 0.0),
        ({"temp_bytes": (32 << 20) + 1}, 2.0**25 + 1),
        ({"output_bytes": 2**26}, 2.0**26),
        ({"output_bytes": 2**26, "alias_bytes": 2**26}, 0.0),
        ({"output_bytes": 2**26, "alias_bytes": None}, 0.0),
        ({"temp_bytes": 2**26, "output_bytes": 2**26}, 2.0**27),
    ],
)
def test_large_memory_that_a_program_works_in_is_given_anew(
    changes: dict[str, int | None], fresh_bytes: float
) -> None:
    sizes = {"argument_bytes": 0, "output_bytes": 0, "alias_bytes": 0, "temp_bytes": 0}
    found = ran(RAN | sizes | changes)
    assert found is not None
    assert found.fresh_bytes == fresh_bytes


def test_what_was_never_measured_is_told_and_not_labelled(labelling: Labelling) -> None:
    found = labelling(
        measured={
            "matmul/4096/f8": (1.0, RAN),
            "collective/permute/16MiB-x2/f32": (2**24 / 5e9, {}),
            "dispatch/chain/f32": (1e-3, {}),
        }
    )
    assert [each.case for each in found.labelled] == ["collective/permute/16MiB-x2/f32"]
    assert found.untold == {
        "matmul/4096/f8": "product in f8 was not measured",
        "dispatch/chain/f32": "it is made of many calls, which tell a ceiling and have none",
    }


MATMUL = find("matmul/512/f32")


def a_time(best_s: float, worst_s: float) -> Timed:
    return Timed(case=MATMUL, best_s=best_s, median_s=1.0, worst_s=worst_s)


@pytest.mark.parametrize(
    ("run", "ends", "factors"),
    [
        ((0.8, 1.1), (0.8, 1.2), [0.9 / 0.8]),
        ((0.95, 2.0), (0.9, 2.0), []),
        ((0.89, 1.1), (0.89, 1.2), []),
        ((0.4, 2.5), (0.9, 1.2), []),
    ],
)
def test_a_run_widens_what_it_measured_of_the_ceilings(
    run: tuple[float, float], ends: tuple[float, float], factors: list[float]
) -> None:
    (found,), raised = widened([a_time(0.9, 1.2)], [a_time(*run)])
    assert (found.best_s, found.worst_s) == ends
    assert found.median_s == 1.0
    assert [each.factor for each in raised] == pytest.approx(factors)
    assert {each.case for each in raised} <= {MATMUL.id}


def test_ladders_are_not_widened() -> None:
    """They are told by their slopes."""
    ladder = replace(a_time(0.9, 1.2), case=find("dispatch/chain/f32"))
    faster = replace(ladder, best_s=0.6)
    assert widened([ladder], [faster]) == ([ladder], [])


def test_of_what_the_run_did_not_measure_ceilings_stay_as_they_are() -> None:
    other = replace(a_time(0.1, 9.0), case=find("matmul/1024/f32"))
    assert widened([a_time(0.9, 1.2)], [other]) == ([a_time(0.9, 1.2)], [])


def test_of_pruned_ceilings_quartiles_are_left(store: Store, url: str) -> None:
    name = add_ceilings(store, IDEAL)
    with store._engine.begin() as connection:
        summary = json.dumps({"q1_s": 0.5, "q3_s": 2.0})
        connection.execute(
            text("UPDATE measurements SET samples_s = NULL, summary = :kept"), {"kept": summary}
        )
    with Reader(url) as reader:
        found = timed(reader.measurements(name))
    assert found
    assert {(each.best_s, each.worst_s) for each in found} == {(0.5, 2.0)}


def test_memory_that_can_be_had(store: Store, url: str) -> None:
    case = "memory/allocate/64MiB/f32"
    told = {"observations": {"allocatable_bytes": 10**9}}
    names = [add_measured(store, {case: (1.0, more)}) for more in (told, {})]
    with Reader(url) as reader:
        found = [allocatable_bytes(timed(reader.measurements(name))) for name in names]
        assert [*found, allocatable_bytes([])] == [
            *(1e9, None),
            None,
        ]


def test_ceilings_that_are_incomplete_say_so(store: Store, url: str) -> None:
    name = add_measured(store, {"matmul/512/f32": (1.0, {})}, suite="ceilings")
    with Reader(url) as reader, pytest.raises(Incomplete, match="what calls cost"):
        hardware(timed(reader.measurements(name)), reader.machines()[0].facts, "cpu")


def a_run(minutes: int, **changes: Any) -> Run:
    started_at = A_RUN.started_at + timedelta(minutes=minutes)
    told = {"suite": "ceilings", "measurements": 1, "launches_planned": 1, **changes}
    return replace(A_RUN, run=f"run {minutes}", started_at=started_at, **told)


def test_whole_ceilings_are_taken_before_others() -> None:
    """Whatever an interrupted run measured, it knows less."""
    asked = a_run(10, suite="standard")
    whole = a_run(0, measurements=100)
    several = a_run(1, measurements=300, launches_planned=3)
    less = [
        a_run(9, measurements=100, status="interrupted"),
        a_run(8, measurements=20),
    ]
    assert nearest(asked, [*less, whole, several]) == [several, whole, *less]
    assert measured_ceilings([*less, whole, several]) == [whole, several, *less]


def test_the_nearest_ceilings_are_taken() -> None:
    asked = a_run(10, suite="standard")
    assert [each.run for each in nearest(asked, [a_run(0), a_run(8), a_run(40)])] == [
        *("run 8", "run 0"),
        "run 40",
    ]


@pytest.mark.parametrize(
    "other",
    [
        {"machine": "n"},
        {"image": "j"},
        {"target": "other"},
        {"isolation": "process"},
        {"platform": "cuda"},
        {"suite": "quick"},
        {"measurements": 0},
    ],
)
def test_those_of_other_hardware_or_software_are_not(other: dict[str, str]) -> None:
    asked = a_run(10, suite="standard")
    assert [each.run for each in nearest(asked, [a_run(0), a_run(9, **other)])] == ["run 0"]
    with pytest.raises(UsageError, match="jaxrig ceilings --refresh --target cpu"):
        nearest(asked, [a_run(9, **other)])


def test_of_caches_those_of_the_cores_that_may_be_used() -> None:
    caches = ("L1 Data 32K", "L2 Unified 1M")
    sizes = [private_bytes({"cores": 8, "caches": caches}, cpus) for cpus in (None, 2, 16)]
    assert sizes == [8 << 20, 2 << 20, 8 << 20]


@pytest.mark.parametrize(
    ("caches", "size"),
    [
        (("L1 Data 48K", "L1 Instruction 32K", "L2 Unified 2048K", "L3 Unified 30M"), 4 << 20),
        (("L1 Data 32K",), 64 << 10),
        ((), 0),
    ],
)
def test_caches_of_the_cores_alone(caches: tuple[str, ...], size: int) -> None:
    assert private_bytes({"cores": MACHINE.cores, "caches": caches}) == size
