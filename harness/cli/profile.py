"""`jaxrig profile`."""

import argparse
from fnmatch import fnmatchcase
from typing import TextIO

from harness.cli.words import positive, show
from harness.errors import UsageError

TOP = 5


def add(profile: argparse.ArgumentParser) -> None:
    profile.add_argument("run", help="a run's name, KEY=VALUE of a tag, latest, or latest~N")
    profile.add_argument(
        "--case", action="append", default=[], metavar="GLOB", help="only matching cases; repeats"
    )
    profile.add_argument(
        "--top",
        type=positive,
        default=TOP,
        metavar="N",
        help=f"kinds of operations of each case, the longest first (default: {TOP}; json and csv "
        "have all operations)",
    )
    profile.add_argument(
        "--single", action="store_true", help="operations one by one, not by kind (XLA's name)"
    )


def profile(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.report.profiles import profiles_view
    from harness.store.reader import Reader

    with Reader(arguments.db) as reader:
        run = reader.run(arguments.run).run
        found = reader.profiles(run)
        if not found:
            raise UsageError(f"run {run} has no profile; measure with `jaxrig run --profile`")
        measured = reader.measurements(run, samples=False)
    chosen = [
        each
        for each in found
        if not arguments.case or any(fnmatchcase(each.case, glob) for glob in arguments.case)
    ]
    if not chosen:
        raise UsageError(f"no profiled case of run {run} matches {', '.join(arguments.case)}")
    medians = measured.groupby("case")["median_s"].median()
    medians_s = {str(case): float(median_s) for case, median_s in medians.items()}
    view = profiles_view(run, chosen, medians_s, top=arguments.top, single=arguments.single)
    show(view, arguments, out)
    return 0
