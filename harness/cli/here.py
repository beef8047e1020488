"""What there is here: `jaxrig cases`, `targets`, `doctor`."""

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from harness.cli.words import show
from harness.errors import EnvironmentFailure


def add_cases(cases: argparse.ArgumentParser) -> None:
    cases.add_argument("--case", action="append", default=[], metavar="GLOB", help="only these")
    cases.add_argument("--suite", metavar="NAME", help="only those of a suite")


def cases(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.config import load
    from harness.plan import cases_of
    from harness.report.listings import cases_view

    settings = load(Path.cwd())
    cases = cases_of(settings, arguments.suite, arguments.case)
    show(cases_view(settings, cases), arguments, out)
    return 0


def targets(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.config import load
    from harness.report.targets import targets_view
    from harness.runner.standing import standings

    settings = load(Path.cwd())
    show(targets_view(settings, standings(settings), datetime.now(UTC)), arguments, out)
    return 0


def doctor(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.doctor import examine
    from harness.report.listings import doctor_view

    findings = examine(arguments.db)
    show(doctor_view(findings), arguments, out)
    return EnvironmentFailure.exit_code if any(f.status == "fail" for f in findings) else 0
