"""`jaxrig run`."""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from harness.cli.stored import stored_run, stored_runs
from harness.cli.words import add_junit, command_line, positive, saying, show, tag, tags
from harness.errors import CasesFailed, EnvironmentFailure, UsageError
from harness.report.writing import write

if TYPE_CHECKING:
    from harness.config import Settings
    from harness.plan import Plan
    from harness.runner.run import Result


LABELLED = ("standard", "full")
"""Suites that begin with the ceilings of the machine and the image."""


def add(run: argparse.ArgumentParser) -> None:
    run.add_argument(
        "--target",
        action="append",
        metavar="GLOB",
        help="see `jaxrig targets` (default: cpu); repeats: several in turns, launch by launch",
    )
    what = run.add_mutually_exclusive_group()
    what.add_argument("--suite", help="quick (default), standard, full, ceilings or one's own")
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
        "--no-ceilings",
        action="store_true",
        help="do not measure the ceilings before a whole standard or full suite",
    )
    run.add_argument(
        "--profile",
        action="store_true",
        help="one more launch, under JAX's profiler: see `jaxrig profile`; what is timed is not "
        "traced",
    )
    run.add_argument(
        "--isolation",
        choices=("container", "process"),
        help="instead of the target's; process: without an engine (marked so in every result)",
    )
    add_junit(run)


def run(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    ceilings, plans = _plans(arguments)
    if len(plans) == 1:
        before = measured(ceilings, arguments.db, err) if ceilings else []
        results = measured(plans, arguments.db, err)
        view = stored_run(arguments.db, results[0].name)
    else:
        before = [
            each for plan in ceilings for each in measured_in_turns([plan], arguments.db, err)
        ]
        results = measured_in_turns(plans, arguments.db, err)
        view = stored_runs(arguments.db, [each.name for each in results])
    show(view, arguments, out)
    if arguments.junit is not None:
        _write_junit([*before, *results], arguments)
    check([*before, *results], arguments.db)
    if arguments.format == "table":
        _what_next(results, arguments, err)
    return 0


def _write_junit(results: "Sequence[Result]", arguments: argparse.Namespace) -> None:
    """A suite a run."""
    from harness.report import junit
    from harness.store.reader import Reader

    with Reader(arguments.db) as reader:
        runs = [reader.run(each.name) for each in results]
        suites = [
            junit.of_run(
                run,
                reader.measurements(run.run, samples=False),
                reader.failures(run.run),
                reader.skips(run.run),
            )
            for run in runs
        ]
    junit.write(suites, arguments.junit)


def check(results: "Sequence[Result]", db: str) -> None:
    """Raises `CasesFailed`, and `EnvironmentFailure` where there was nothing to measure, or not all
    could be."""
    amiss = [each.name for each in results if each.amiss]
    if amiss:
        whys = "; ".join(command_line("show", name, db=db) for name in amiss)
        raise EnvironmentFailure(
            f"{len(amiss)} of {len(results)} runs could not be measured here, as said above; "
            f"the whole reason: {whys}"
        )
    failed = [each for each in results if each.failures]
    if failed:
        logs = "; ".join(command_line("show", each.name, "--log", db=db) for each in failed)
        count = sum(each.failures for each in failed)
        raise CasesFailed(f"{count} failure(s); the launches' logs: {logs}")
    if any(each.skipped and not each.measurements for each in results):
        raise EnvironmentFailure("nothing could be measured here: every case was skipped")


def measured(plans: "Sequence[Plan]", db: str, err: TextIO) -> "list[Result]":
    """One run after the other, each stored as it goes."""
    from harness.report.progress import make_progress
    from harness.runner.run import execute
    from harness.store.writer import Store

    with Store(db, saying(err)) as store:
        progress = make_progress(err)
        try:
            return [execute(plan, store, progress) for plan in plans]
        finally:
            progress.close()


def measured_in_turns(plans: "Sequence[Plan]", db: str, err: TextIO) -> "list[Result]":
    """All of them launch by launch, each stored as it goes; what is amiss with one target ends no
    other."""
    from harness.report.progress import PlainProgress
    from harness.runner.several import execute_several
    from harness.store.writer import Store

    with Store(db, saying(err)) as store:
        each = [(plan, PlainProgress(err, plan.target_name)) for plan in plans]
        return execute_several(each, store)


def _plans(arguments: argparse.Namespace) -> "tuple[list[Plan], list[Plan]]":
    """Of the ceilings, and of what was asked for: one of each target."""
    from harness.config import load

    settings = load(Path.cwd())
    targets = settings.names(arguments.target or ["cpu"])
    plans = [_plan(arguments, settings, target) for target in targets]
    return list(_ceilings(arguments, settings, targets)), plans


def _ceilings(
    arguments: argparse.Namespace, settings: "Settings", targets: "Sequence[str]"
) -> "Iterator[Plan]":
    """Before a whole suite of cases that labels are asked for, what they are held against: the
    machine is never twice the same."""
    if arguments.suite in LABELLED and not arguments.case and not arguments.no_ceilings:
        from harness.plan import make_plan
        from workloads.catalog import CEILINGS

        how = {"isolation": arguments.isolation, "tags": tags(arguments.tag)}
        for target in targets:
            yield make_plan(settings, target=target, suite=CEILINGS, **how)


def _plan(arguments: argparse.Namespace, settings: "Settings", target: str) -> "Plan":
    from harness.own import find_suite
    from harness.plan import make_own_plan, make_plan

    how = {
        "target": target,
        "launches": arguments.launches,
        "isolation": arguments.isolation,
        "tags": tags(arguments.tag),
    }
    if arguments.workloads is not None:
        if arguments.profile:
            raise UsageError("--profile goes with suites of jaxrig's own cases, not --workloads")
        return make_own_plan(settings, own=find_suite(arguments.workloads, arguments.case), **how)
    suite = arguments.suite or "quick"
    return make_plan(settings, suite=suite, globs=arguments.case, profiled=arguments.profile, **how)


def _what_next(results: "Sequence[Result]", arguments: argparse.Namespace, err: TextIO) -> None:
    db, last = arguments.db, results[-1].name
    pair = (results[0].name, last) if len(results) > 1 else ("latest~1", "latest")
    tips = {
        command_line("show", last, "--format", "json", db=db): "every sample and counter",
        command_line(*arguments.words): "measure again, then",
        command_line("compare", *pair, db=db): "compare",
        command_line("cases"): "what else can be measured",
    }
    if arguments.profile:
        tips[command_line("profile", last, db=db)] = "where the device's time went"
    width = max(map(len, tips))
    lines = (f"  {command:<{width}}  {what}\n" for command, what in tips.items())
    write("\nnext:\n" + "".join(lines), err)
