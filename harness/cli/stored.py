"""What the database holds: `jaxrig runs`, `show`, `machines`."""

import argparse
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, TextIO

from harness.cli.words import positive, show
from harness.report.view import View

if TYPE_CHECKING:
    from harness.store.reader import Failure, MachineSummary, Run


def add_runs(runs: argparse.ArgumentParser) -> None:
    runs.add_argument("--limit", type=positive, metavar="N", help="at most N runs")


def add_show(show: argparse.ArgumentParser) -> None:
    show.add_argument("run", help="a run's name, KEY=VALUE of a tag, latest, or latest~N")
    show.add_argument("--log", action="store_true", help="show the launches' logs instead")


def runs(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.report.runs import runs_view
    from harness.runner.abandoned import is_abandoned
    from harness.store.reader import Reader, Run

    with Reader(arguments.db, is_abandoned) as reader:
        show(_of_columns(runs_view(reader.runs(arguments.limit)), Run), arguments, out)
    return 0


def show_run(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.report.runs import log_view
    from harness.store.reader import Reader

    if not arguments.log:
        show(stored_run(arguments.db, arguments.run), arguments, out)
        return 0
    with Reader(arguments.db) as reader:
        show(log_view(reader.launches(arguments.run)), arguments, out)
    return 0


def stored_run(db: str, reference: str) -> View:
    from harness.report.runs import run_view
    from harness.runner.abandoned import is_abandoned
    from harness.store.reader import Reader

    with Reader(db, is_abandoned) as reader:
        run = reader.run(reference)
        return run_view(
            run,
            reader.measurements(run.run),
            reader.failures(run.run),
            reader.launches(run.run),
            reader.skips(run.run),
            reader.pairings(run.run),
        )


def stored_runs(db: str, names: Sequence[str]) -> View:
    """Those of several targets beside each other."""
    from harness.report.matrix import matrix_view
    from harness.store.reader import Reader

    with Reader(db) as reader:
        return matrix_view(
            [reader.run(name) for name in names],
            [reader.measurements(name, samples=False) for name in names],
            [reader.failures(name) for name in names],
            [reader.skips(name) for name in names],
        )


def failures_of(db: str, *runs: str) -> "list[Failure]":
    """What these runs could not measure."""
    from harness.store.reader import Reader

    with Reader(db) as reader:
        return [failure for run in runs for failure in reader.failures(run)]


def machines(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.report.listings import machines_view
    from harness.store.reader import MachineSummary, Reader

    with Reader(arguments.db) as reader:
        show(_of_columns(machines_view(reader.machines()), MachineSummary), arguments, out)
    return 0


def _of_columns(view: View, row: "type[Run | MachineSummary]") -> View:
    """A view whose CSV has its header also where there is no row."""
    return replace(view, columns=[field.name for field in fields(row)])
