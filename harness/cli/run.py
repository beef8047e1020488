"""`jaxrig run`."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from harness.cli.stored import stored_run
from harness.cli.words import command_line, positive, saying, show, tag, tags
from harness.errors import CasesFailed, EnvironmentFailure
from harness.report.writing import write

if TYPE_CHECKING:
    from harness.plan import Plan
    from harness.runner.run import Result


def add(run: argparse.ArgumentParser) -> None:
    run.add_argument("--target", default="cpu", help="see `jaxrig targets` (default: cpu)")
    what = run.add_mutually_exclusive_group()
    what.add_argument("--suite", help="quick (default), standard, full or one's own")
    what.add_argument(
        "--workloads",
        type=Path,
        metavar="PATH",
        help="instead of a suite: a folder (or file) of one's own pytest-benchmark tests",
    )
    run.add_argument(
        "--case", action="append", default=[], metavar="GLOB", help="only matching cases; repeats"
    )
    run.add_argument("--launches", type=positive, metavar="N", help="instead of the suite's")
    run.add_argument(
        "--tag",
        action="append",
        default=[],
        metavar="K=V",
        type=tag,
        help="label the run; repeats",
    )
    run.add_argument(
        "--isolation",
        choices=("container", "process"),
        default="container",
        help="process: without an engine, as a plain process (marked so in every result)",
    )


def run(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.report.progress import make_progress
    from harness.runner.run import execute
    from harness.store.writer import Store

    plan = _plan(arguments)
    with Store(arguments.db, saying(err)) as store:
        progress = make_progress(err)
        try:
            result = execute(plan, store, progress)
        finally:
            progress.close()
    show(stored_run(arguments.db, result.name), arguments, out)
    if result.failures:
        raise CasesFailed(
            f"{result.failures} failure(s); the launches' logs: "
            f"{command_line('show', result.name, '--log', db=arguments.db)}"
        )
    if result.skipped and not result.measurements:
        raise EnvironmentFailure("nothing could be measured here: every case was skipped")
    if arguments.format == "table":
        _what_next(result, arguments, err)
    return 0


def _plan(arguments: argparse.Namespace) -> "Plan":
    from harness.config import load
    from harness.own import find_suite
    from harness.plan import make_own_plan, make_plan

    how = {
        "target": arguments.target,
        "launches": arguments.launches,
        "isolation": arguments.isolation,
        "tags": tags(arguments.tag),
    }
    settings = load(Path.cwd())
    if arguments.workloads is not None:
        return make_own_plan(settings, own=find_suite(arguments.workloads, arguments.case), **how)
    return make_plan(settings, suite=arguments.suite or "quick", globs=arguments.case, **how)


def _what_next(result: "Result", arguments: argparse.Namespace, err: TextIO) -> None:
    db = arguments.db
    tips = {
        command_line("show", result.name, "--format", "json", db=db): "every sample and counter",
        command_line(*arguments.words): "measure again, then",
        command_line("compare", "latest~1", "latest", db=db): "compare",
        command_line("cases"): "what else can be measured",
    }
    width = max(map(len, tips))
    lines = (f"  {command:<{width}}  {what}\n" for command, what in tips.items())
    write("\nnext:\n" + "".join(lines), err)
