"""`jaxrig compare`."""

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

from harness.cli.words import add_junit, command_line, show
from harness.errors import Regression


def add(compare: argparse.ArgumentParser) -> None:
    compare.add_argument("base", help="a run's name, KEY=VALUE, latest, or latest~N")
    compare.add_argument("candidate", help="likewise: is it slower than the base?")
    add_junit(compare)


def compare(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.ab import CaseResult
    from harness.compared import compared
    from harness.config import load
    from harness.report import junit
    from harness.report.comparisons import comparison_view, pairing_view
    from harness.store.pairings import Pairing
    from harness.store.reader import Reader

    settings = load(Path.cwd())
    with Reader(arguments.db) as reader:
        found = compared(reader, arguments.base, arguments.candidate, settings.floor)
        target = reader.run(found.candidate).target
    if isinstance(found, Pairing):
        show(pairing_view(found), arguments, out)
        results = [CaseResult(**asdict(each)) for each in found.verdicts]
        suite = junit.of_turns(target, results)
        slower = [f"{each.case} ({each.metric})" for each in found.slower]
    else:
        in_turns = found.in_turns and command_line(*found.in_turns, db=arguments.db)
        show(comparison_view(found, in_turns or None), arguments, out)
        suite = junit.of_comparison(target, found)
        slower = list(found.regressions)
    if arguments.junit is not None:
        junit.write([suite], arguments.junit)
    if slower:
        raise Regression(f"slower: {', '.join(slower)}")
    return 0
