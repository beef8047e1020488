"""A stored run, the ceilings that it is held against, and what it raised of them."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from harness.bottleneck import (
    Bottlenecks,
    Incomplete,
    Raised,
    hardware,
    label_run,
    measured_ceilings,
    nearest,
    place,
    refresh,
    timed,
    widened,
)
from harness.errors import UsageError
from harness.roofline.ceilings import Hardware, Timed
from harness.store.reader import CEILINGS, Reader, Run

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Held:
    """A run's measurements, and the ceilings that they are held against. `ceilings`: the run that
    measured them; `one_core`: that which measured them of one core. `stack`: the image that these
    were measured with, or of a plain process its environment; `raised`: by the run."""

    run: str
    ceilings: str
    one_core: str | None
    measured: "pd.DataFrame"
    hardware: Hardware
    stack: object
    raised: Sequence[Raised]

    def labelled(self) -> Bottlenecks:
        """Its cases, each with the limit that binds it."""
        found = label_run(self.run, self.ceilings, self.measured, self.hardware, self.raised)
        return replace(found, one_core=self.one_core)


def hold(reader: Reader, run: Run, ceilings: str | None = None) -> Held:
    """`ceilings`: the run that measured them; None: the nearest that are complete. Raises
    `UsageError` where there are none."""
    measured = reader.measurements(run.run)
    own = timed(measured)
    every = reader.runs(suite=CEILINGS)
    stored = [reader.run(ceilings)] if ceilings is not None else nearest(run, every)
    by, (found, raised, told) = complete(stored, lambda each: _raised(reader, each, run, own))
    one_core, found = _with_one_core(reader, by, told, found, every)
    return Held(
        run=run.run,
        ceilings=by.run,
        one_core=one_core,
        measured=measured,
        hardware=found,
        stack=by.image or told,
        raised=raised,
    )


Environments = list[dict[str, Any] | None]
"""What each launch of a run told of itself; None where it came to no word."""


def _raised(
    reader: Reader, by: Run, run: Run, own: Sequence[Timed]
) -> tuple[Hardware, list[Raised], Environments]:
    """The ceilings of `by`; where they are those of the run, with what that measured of them."""
    points, raised = timed(reader.measurements(by.run)), list[Raised]()
    if place(by) == place(run):
        points, raised = widened(points, own)
    told = _environments(reader, by)
    return _hardware(reader, by, points, _cpus(told)), raised, told


def _with_one_core(
    reader: Reader, by: Run, told: Environments, found: Hardware, stored: Sequence[Run]
) -> tuple[str | None, Hardware]:
    """`found`, which `by` measured with several cores, and what one of them does where a run in
    `stored` measured it, of another target with the same software: the nearest that is complete.
    """
    cpus = _cpus(told)
    if by.platform != "cpu" or cpus in (None, 1):
        return None, found
    others = [each for each in stored if each.target != by.target and _place(each) == _place(by)]
    others.sort(key=lambda each: abs(each.started_at - by.started_at))
    for run in measured_ceilings(others):
        other = _environments(reader, run)
        if _cpus(other) == 1 and _software(other) == _software(told):
            with suppress(Incomplete):
                alone = _hardware(reader, run, timed(reader.measurements(run.run)), cpus)
                return run.run, replace(found, one_core=alone.usual)
    return None, found


def complete(runs: Sequence[Run], read: Callable[[Run], T]) -> tuple[Run, T]:
    """The first whose ceilings are complete, or else the last, and what is read of it. Raises
    `UsageError` where that is not complete either."""
    *others, last = runs
    for run in others:
        with suppress(Incomplete):
            return run, read(run)
    return last, read(last)


def hardware_of_run(reader: Reader, run: Run) -> tuple[Hardware, list[Timed]]:
    """The ceilings that a run measured, and what they are made of. Raises `UsageError` where they
    are incomplete."""
    measured = timed(reader.measurements(run.run))
    return _hardware(reader, run, measured, _cpus(_environments(reader, run))), measured


def limits_of(
    reader: Reader, run: Run, stored: Sequence[Run]
) -> tuple[Bottlenecks, Hardware] | None:
    """Its labels, and the ceilings that they are by. `stored`: runs of ceilings. None where none of
    these is of its machine and image, or they are incomplete."""
    there = any(place(each) == place(run) and each.measurements for each in stored)
    if not there or not run.measurements or run.suite == CEILINGS:
        return None
    try:
        held = hold(reader, run)
    except UsageError:
        return None
    return held.labelled(), held.hardware


def ceilings_of(reader: Reader, run: Run) -> tuple[Hardware, Sequence[Timed]] | None:
    """What a run measured of them; None where that is incomplete."""
    try:
        return hardware_of_run(reader, run)
    except Incomplete:
        return None


def _place(run: Run) -> tuple[str, ...]:
    """Another target's image is never the same one: it is called by its target."""
    return run.machine, run.platform, run.isolation


def _environments(reader: Reader, run: Run) -> Environments:
    return [each.environment for each in reader.launches(run.run)]


def _cpus(told: Environments) -> int | None:
    """That launches could use; None where none told."""
    return max((len((each or {}).get("visible_cpus", ())) for each in told), default=0) or None


def _software(told: Environments) -> list[dict[str, Any]]:
    """All that launches told of themselves but for the cores; each that differs, once."""
    found: list[dict[str, Any]] = []
    for each in filter(None, told):
        software = {name: value for name, value in each.items() if name != "visible_cpus"}
        found += [] if software in found else [software]
    return found


def _hardware(reader: Reader, run: Run, measured: Sequence[Timed], cpus: int | None) -> Hardware:
    """`measured`: of the ceilings, on the machine of `run`; `cpus`: whose caches count."""
    facts = {each.machine: each.facts for each in reader.machines()}[run.machine]
    try:
        return hardware(measured, facts, run.platform, cpus)
    except Incomplete as error:
        raise Incomplete(f"{run.run}: {error}; `{refresh(run)}` measures them again") from error
