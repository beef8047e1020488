"""`jaxrig bottleneck`."""

import argparse
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

from harness.cli.words import saying, show
from harness.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

    from harness.bottleneck import Raised
    from harness.roofline.ceilings import Hardware, Timed
    from harness.store.reader import Reader, Run

T = TypeVar("T")


def add(bottleneck: argparse.ArgumentParser) -> None:
    bottleneck.add_argument("run", help="a run's name, KEY=VALUE of a tag, latest, or latest~N")
    bottleneck.add_argument(
        "--case", action="append", default=[], metavar="GLOB", help="only matching cases; repeats"
    )
    bottleneck.add_argument(
        "--ceilings", metavar="RUN", help="by these (default: the nearest of its machine and image)"
    )
    bottleneck.add_argument(
        "--parts", action="store_true", help="a model's parts below it: attention, mlp, …"
    )
    bottleneck.add_argument(
        "--compare",
        metavar="CANDIDATE",
        help="instead, of a run that came later: who made cases slower since, the machine, the "
        "compiler, or they themselves",
    )
    bottleneck.add_argument(
        "--plot",
        type=Path,
        metavar="FILE",
        help="as well: a roofline and a bar of terms per case, FILE.svg or FILE.png",
    )


def bottleneck(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.bottleneck import label_run
    from harness.causes import changes
    from harness.report.bottlenecks import bottleneck_view, changes_view
    from harness.store.reader import Reader

    if arguments.compare and (arguments.parts or arguments.plot or arguments.ceilings):
        raise UsageError("--compare goes with none of --parts, --plot and --ceilings")
    with Reader(arguments.db) as reader:
        sides = [_side(reader, arguments, arguments.run)]
        if arguments.compare is not None:
            sides.append(_side(reader, arguments, arguments.compare))
    if len(sides) > 1:
        base, candidate = sides
        found = list(
            changes(
                base.measured,
                candidate.measured,
                (base.hardware, candidate.hardware),
                same_stack=base.stack == candidate.stack,
            )
        )
        show(changes_view(base.run, candidate.run, found), arguments, out)
        return 0
    (side,) = sides
    labels = label_run(side.run, side.ceilings, side.measured, side.hardware, side.raised)
    if arguments.plot is not None:
        from harness.report.plot import plot

        plot(labels.labelled, side.hardware, arguments.plot, f"{labels.run} by {labels.ceilings}")
    view = bottleneck_view(labels, parts=arguments.parts)
    show(view, arguments, out)
    if arguments.format in ("json", "csv"):  # which have no place for it
        for note in view.notes:
            saying(err)(note)
    return 0


@dataclass(frozen=True, kw_only=True)
class _Side:
    """A run's measurements, and the ceilings that they are held against. `stack`: the image that
    these were measured with, or of a plain process its environment; `raised`: by the run."""

    run: str
    ceilings: str
    measured: "pd.DataFrame"
    hardware: "Hardware"
    stack: object
    raised: "list[Raised]"


def _side(reader: "Reader", arguments: argparse.Namespace, reference: str) -> _Side:
    run = reader.run(reference)
    measured = reader.measurements(run.run)
    by, hardware, raised = _ceilings(reader, run, measured, arguments.ceilings)
    return _Side(
        run=run.run,
        ceilings=by.run,
        measured=_matching(measured, run.run, arguments.case),
        hardware=hardware,
        stack=by.image or [each.environment for each in reader.launches(by.run)],
        raised=raised,
    )


def _ceilings(
    reader: "Reader", run: "Run", measured: "pd.DataFrame", named: str | None
) -> "tuple[Run, Hardware, list[Raised]]":
    """Those that are named, else the nearest that are complete, with what the run itself measured
    of them. Raises `UsageError`."""
    from harness.bottleneck import nearest, timed

    own = timed(measured)
    stored = [reader.run(named)] if named is not None else nearest(run, reader.runs())
    by, (hardware, raised) = complete(stored, lambda each: _raised(reader, each, run, own))
    return by, hardware, raised


def _raised(
    reader: "Reader", by: "Run", run: "Run", own: "Sequence[Timed]"
) -> "tuple[Hardware, list[Raised]]":
    """The ceilings of `by`; where they are those of the run, with what that measured of them."""
    from harness.bottleneck import place, timed, widened

    points, raised = timed(reader.measurements(by.run)), list[Any]()
    if place(by) == place(run):
        points, raised = widened(points, own)
    return _hardware(reader, by, points), raised


def complete(runs: "Sequence[Run]", read: Callable[["Run"], T]) -> "tuple[Run, T]":
    """The first whose ceilings are complete, or else the last, and what is read of it. Raises
    `UsageError` where that is not complete either."""
    from harness.bottleneck import Incomplete

    *others, last = runs
    for run in others:
        with suppress(Incomplete):
            return run, read(run)
    return last, read(last)


def hardware_of_run(reader: "Reader", run: "Run") -> "tuple[Hardware, list[Timed]]":
    """The ceilings that a run measured, and what they are made of. Raises `UsageError` where they
    are incomplete."""
    from harness.bottleneck import timed

    measured = timed(reader.measurements(run.run))
    return _hardware(reader, run, measured), measured


def _hardware(reader: "Reader", run: "Run", measured: "Sequence[Timed]") -> "Hardware":
    """`measured`: of the ceilings, on the machine of `run`, as it was confined then."""
    from harness.bottleneck import Incomplete, hardware, refresh

    facts = {each.machine: each.facts for each in reader.machines()}[run.machine]
    cpus = [
        len((each.environment or {}).get("visible_cpus", ())) for each in reader.launches(run.run)
    ]
    try:
        return hardware(measured, facts, run.platform, max(cpus, default=0) or None)
    except Incomplete as error:
        raise Incomplete(f"{run.run}: {error}; `{refresh(run)}` measures them again") from error


def _matching(measured: "pd.DataFrame", run: str, globs: Sequence[str]) -> "pd.DataFrame":
    """Raises `UsageError` for a glob that matches nothing: a case that was renamed is missed."""
    if not globs:
        return measured
    cases = list(measured["case"])
    for glob in globs:
        if not any(fnmatchcase(case, glob) for case in cases):
            raise UsageError(f"{run} measured no case that matches {glob!r}")
    return measured[[any(fnmatchcase(case, glob) for glob in globs) for case in cases]]
