"""A stored run, the ceilings that it is held against, and what it raised of them."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from harness.bottleneck import (
    Bottlenecks,
    Incomplete,
    Raised,
    hardware,
    label_run,
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
    """A run's measurements, and the ceilings that they are held against (`ceilings`: the run that
    measured them). `stack`: the image that these were measured with, or of a plain process its
    environment; `raised`: by the run."""

    run: str
    ceilings: str
    measured: "pd.DataFrame"
    hardware: Hardware
    stack: object
    raised: Sequence[Raised]

    def labelled(self) -> Bottlenecks:
        """Its cases, each with the limit that binds it."""
        return label_run(self.run, self.ceilings, self.measured, self.hardware, self.raised)


def hold(reader: Reader, run: Run, ceilings: str | None = None) -> Held:
    """`ceilings`: the run that measured them; None: the nearest that are complete. Raises
    `UsageError` where there are none."""
    measured = reader.measurements(run.run)
    own = timed(measured)
    stored = (
        [reader.run(ceilings)]
        if ceilings is not None
        else nearest(run, reader.runs(suite=CEILINGS))
    )
    by, (found, raised) = complete(stored, lambda each: _raised(reader, each, run, own))
    return Held(
        run=run.run,
        ceilings=by.run,
        measured=measured,
        hardware=found,
        stack=by.image or [each.environment for each in reader.launches(by.run)],
        raised=raised,
    )


def _raised(
    reader: Reader, by: Run, run: Run, own: Sequence[Timed]
) -> tuple[Hardware, list[Raised]]:
    """The ceilings of `by`; where they are those of the run, with what that measured of them."""
    points, raised = timed(reader.measurements(by.run)), list[Raised]()
    if place(by) == place(run):
        points, raised = widened(points, own)
    return _hardware(reader, by, points), raised


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
    return _hardware(reader, run, measured), measured


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


def _hardware(reader: Reader, run: Run, measured: Sequence[Timed]) -> Hardware:
    """`measured`: of the ceilings, on the machine of `run`, as it was confined then."""
    facts = {each.machine: each.facts for each in reader.machines()}[run.machine]
    cpus = [
        len((each.environment or {}).get("visible_cpus", ())) for each in reader.launches(run.run)
    ]
    try:
        return hardware(measured, facts, run.platform, max(cpus, default=0) or None)
    except Incomplete as error:
        raise Incomplete(f"{run.run}: {error}; `{refresh(run)}` measures them again") from error
