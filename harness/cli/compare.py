"""`jaxrig compare`."""

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from harness.cli.words import add_junit, command_line, show
from harness.errors import Regression, UsageError

if TYPE_CHECKING:
    from harness.compare import Side
    from harness.store.pairings import Pairing
    from harness.store.reader import Reader


def add(compare: argparse.ArgumentParser) -> None:
    compare.add_argument("base", help="a run's name, KEY=VALUE, latest, or latest~N")
    compare.add_argument("candidate", help="likewise: is it slower than the base?")
    add_junit(compare)


def compare(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.ab import CaseResult
    from harness.compare import compare
    from harness.config import load
    from harness.report import junit
    from harness.report.comparisons import comparison_view, pairing_view
    from harness.store.reader import Reader

    settings = load(Path.cwd())
    with Reader(arguments.db) as reader:
        base, candidate = sides_of(reader, arguments.base, arguments.candidate)
    pairing = _pairing(base, candidate)
    if pairing is not None:
        show(pairing_view(pairing), arguments, out)
        results = [CaseResult(**asdict(each)) for each in pairing.verdicts]
        suite = junit.of_turns(candidate.run.target, results)
        slower = [f"{each.case} ({each.metric})" for each in pairing.slower]
    else:
        comparison = compare(base, candidate, settings.floor)
        in_turns = comparison.in_turns and command_line(*comparison.in_turns, db=arguments.db)
        show(comparison_view(comparison, in_turns or None), arguments, out)
        suite = junit.of_comparison(candidate.run.target, comparison)
        slower = list(comparison.regressions)
    if arguments.junit is not None:
        junit.write([suite], arguments.junit)
    if slower:
        raise Regression(f"slower: {', '.join(slower)}")
    return 0


def sides_of(reader: "Reader", *references: str) -> "tuple[Side, Side]":
    """Both runs, and the history of their machines: one history where they are alike."""
    from harness.compare import Side

    machines = {each.machine: each.facts for each in reader.machines()}
    runs = [reader.run(reference) for reference in references]
    tables = [reader.measurements(run.run, samples=False) for run in runs]
    places = [(run.machine, run.platform, run.isolation) for run in runs]
    targets = {run.target for run in runs}
    cases = {case for table in tables for case in table["case"]}
    histories = {
        (machine, platform, isolation): reader.history(
            machine=machine,
            platform=platform,
            isolation=isolation,
            targets=targets,
            cases=cases,
        )
        for machine, platform, isolation in dict.fromkeys(places)
    }
    base, candidate = (
        Side(
            run=run,
            measurements=table,
            launches=reader.launches(run.run),
            history=histories[place],
            machine=machines[run.machine],
            pairings=reader.pairings(run.run),
        )
        for run, table, place in zip(runs, tables, places, strict=True)
    )
    return base, candidate


def _pairing(base: "Side", candidate: "Side") -> "Pairing | None":
    """The newest in which the two were measured in turns.

    Raises `UsageError` where that was the other way round: only what was asked was confirmed.
    """
    names = base.run.run, candidate.run.run
    for pairing in reversed(base.pairings):
        if (pairing.base, pairing.candidate) == names:
            return pairing
        if (pairing.candidate, pairing.base) == names:
            raise UsageError(
                "these two were measured in turns, the other way round; see "
                f"`jaxrig compare {pairing.base} {pairing.candidate}`"
            )
    return None
