"""`jaxrig bottleneck`."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from harness.cli.words import saying, show
from harness.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

    from harness.limits import Held
    from harness.store.reader import Reader


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
    labels = side.labelled()
    if arguments.plot is not None:
        from harness.report.plot import plot

        plot(labels.labelled, side.hardware, arguments.plot, f"{labels.run} by {labels.ceilings}")
    view = bottleneck_view(labels, parts=arguments.parts)
    show(view, arguments, out)
    if arguments.format in ("json", "csv"):  # which have no place for it
        for note in view.notes:
            saying(err)(note)
    return 0


def _side(reader: "Reader", arguments: argparse.Namespace, reference: str) -> "Held":
    from harness.limits import hold

    held = hold(reader, reader.run(reference), arguments.ceilings)
    return replace(held, measured=_matching(held.measured, held.run, arguments.case))


def _matching(measured: "pd.DataFrame", run: str, globs: Sequence[str]) -> "pd.DataFrame":
    """Raises `UsageError` for a glob that matches nothing: a case that was renamed is missed."""
    if not globs:
        return measured
    cases = list(measured["case"])
    for glob in globs:
        if not any(fnmatchcase(case, glob) for case in cases):
            raise UsageError(f"{run} measured no case that matches {glob!r}")
    return measured[[any(fnmatchcase(case, glob) for glob in globs) for case in cases]]
