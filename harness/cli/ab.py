"""`jaxrig ab`."""

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from harness.cli.stored import failures_of
from harness.cli.words import add_junit, positive, saying, show, tag, tags
from harness.errors import CasesFailed, Regression, TooLittleData
from harness.report.writing import write

if TYPE_CHECKING:
    from harness.ab import CaseResult
    from harness.config import Settings
    from harness.plan import PairPlan
    from harness.sides import Side
    from harness.stats.judge import Rule


def add(ab: argparse.ArgumentParser) -> None:
    ab.add_argument("base", help="TARGET, TARGET@REVISION of its project, or an image's digest")
    ab.add_argument("candidate", help="likewise: is it slower than the base?")
    what = ab.add_mutually_exclusive_group()
    what.add_argument("--suite", help="quick (default), standard, full or one's own")
    what.add_argument(
        "--workloads",
        type=Path,
        metavar="PATH",
        help="instead of a suite: a folder (or file) of one's own pytest-benchmark tests",
    )
    ab.add_argument(
        "--case", action="append", default=[], metavar="GLOB", help="only matching cases; repeats"
    )
    ab.add_argument("--max-pairs", type=positive, metavar="N", help="launch pairs at most")
    ab.add_argument(
        "--max-time", type=positive, metavar="S", help="begin no pair that would end after S s"
    )
    ab.add_argument(
        "--tag", action="append", default=[], metavar="K=V", type=tag, help="label both runs"
    )
    ab.add_argument("--isolation", choices=("container", "process"), help="instead of the targets'")
    add_junit(ab)


def ab(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.ab import Ab, not_in_common, overall, within
    from harness.config import load
    from harness.report.progress import make_progress
    from harness.report.turns import ab_view
    from harness.runner.pairs import execute_pairs
    from harness.stats.judge import Rule
    from harness.store.writer import Store

    rule = within(Rule(), arguments.max_pairs or Rule().most_pairs)
    settings = load(Path.cwd())
    plan = _plan(arguments, settings, rule)

    def judge(cases: tuple[str, ...]) -> Ab:
        return Ab(cases=cases, floors={case: settings.floor(case) for case in cases}, rule=rule)

    with Store(arguments.db, saying(err)) as store:
        progress = make_progress(err)
        try:
            done = execute_pairs(plan, store, progress, judge)
        finally:
            progress.close()
    results = (*judge(done.cases).results(done.turned), *not_in_common(done.others))
    view = ab_view(
        (done.base, done.candidate),
        results,
        overall(results),
        sides=(arguments.base, arguments.candidate),
        notes=_notes(done.same_image, done.skipped),
    )
    show(view, arguments, out)
    if arguments.junit is not None:
        from harness.report import junit

        runs = (done.base, done.candidate) if done.failures else ()
        failures = failures_of(arguments.db, *runs)
        suite = junit.of_turns(plan.candidate.target_name, results, failures, done.skipped)
        junit.write([suite], arguments.junit)
    if os.environ.get("GITHUB_ACTIONS") == "true":
        from harness.report import github

        github.summarise(view, os.environ.get("GITHUB_STEP_SUMMARY"))
        write(github.annotations(results), err)
    return _gate(results, done.failures, done.candidate, rule.looks[0])


def _plan(arguments: argparse.Namespace, settings: "Settings", rule: "Rule") -> "PairPlan":
    from harness.own import find_suite
    from harness.plan import make_pair_plan

    own = None
    if arguments.workloads is not None:
        own = find_suite(arguments.workloads, arguments.case)
    return make_pair_plan(
        settings,
        base=_side(arguments.base, settings),
        candidate=_side(arguments.candidate, settings),
        suite=arguments.suite or "quick",
        globs=arguments.case,
        own=own,
        pairs=rule.most_pairs,
        budget_s=arguments.max_time,
        isolation=arguments.isolation,
        tags=tags(arguments.tag),
    )


def _side(text: str, settings: "Settings") -> "Side":
    from dataclasses import replace

    from harness.sides import at_commit, parse_side

    side = at_commit(parse_side(text), settings)
    if side.target is None and side.image is not None:
        from harness.runner.setup import target_of

        return replace(side, target=target_of(side.image))
    return side


def _notes(same_image: bool, skipped: Mapping[str, str]) -> list[str]:
    notes = [f"skipped: {case}: {reason}" for case, reason in skipped.items()]
    if same_image:
        notes.append("both sides are one and the same image: what differs is chance, or env")
    return notes


def _gate(results: "Sequence[CaseResult]", failures: int, candidate: str, least: int) -> int:
    """The exit code. Raises what stands for another than 0."""
    slower = [f"{each.case} ({each.metric})" for each in results if each.verdict == "slower"]
    if slower:
        raise Regression(f"slower, and confirmed in new containers: {', '.join(slower)}")
    if failures:
        raise CasesFailed(f"{failures} failure(s); see `jaxrig show {candidate} --log`")
    if all(each.pairs < least for each in results):
        raise TooLittleData(f"no case has {least} launch pairs; raise --max-pairs")
    return 0
