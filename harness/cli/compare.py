"""`jaxrig compare`."""

import argparse
from typing import TextIO

from harness.cli.words import show


def add(compare: argparse.ArgumentParser) -> None:
    compare.add_argument("base", help="a run's name, KEY=VALUE, latest, or latest~N")
    compare.add_argument("candidate", help="likewise")


def compare(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.compare import Side, compare
    from harness.report.comparisons import comparison_view
    from harness.store.reader import Reader

    with Reader(arguments.db) as reader:
        base, candidate = (
            Side(
                run=run,
                measurements=reader.measurements(run.run, samples=False),
                launches=reader.launches(run.run),
            )
            for run in (reader.run(arguments.base), reader.run(arguments.candidate))
        )
        comparison = compare(base, candidate)
    show(comparison_view(comparison), arguments, out)
    return 0
