"""`jaxrig nightly`."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from harness.cli.stored import failures_of
from harness.cli.words import add_junit, positive, saying, show, tag, tags
from harness.errors import CasesFailed, Regression, TooLittleData
from harness.report.view import View, render
from harness.report.writing import write

if TYPE_CHECKING:
    from harness.config import Settings
    from harness.nightly import NightResult
    from harness.plan import Plan
    from harness.runner.night import Pinned
    from harness.runner.pairs import PairsResult
    from harness.runner.progress import Progress
    from harness.store.writer import Store


def add(nightly: argparse.ArgumentParser) -> None:
    nightly.add_argument("--target", default="cpu", help="see `jaxrig targets` (default: cpu)")
    nightly.add_argument("--suite", default="quick", help="quick (default), standard, full or own")
    nightly.add_argument(
        "--case", action="append", default=[], metavar="GLOB", help="only matching cases; repeats"
    )
    nightly.add_argument("--max-pairs", type=positive, metavar="N", help="launch pairs at most")
    nightly.add_argument(
        "--max-time", type=positive, metavar="S", help="begin no pair that would end after S s"
    )
    nightly.add_argument(
        "--pin", action="store_true", help="let tonight's image be the anchor from here on"
    )
    nightly.add_argument(
        "--tag", action="append", default=[], metavar="K=V", type=tag, help="label both runs"
    )
    nightly.add_argument(
        "--report", type=Path, metavar="FILE", help="write the night as Markdown, too"
    )
    add_junit(nightly)


def nightly(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.config import load
    from harness.nightly import overall
    from harness.report.night import night_view
    from harness.report.progress import make_progress
    from harness.runner.lock import machine_lock
    from harness.stats.nights import NightRule
    from harness.store.writer import Store

    settings, rule = load(Path.cwd()), NightRule()
    plan = _plan(arguments, settings, arguments.max_pairs or rule.most_pairs)
    with machine_lock("nightly"), Store(arguments.db, saying(err)) as store:
        progress = make_progress(err)
        try:
            pinned, done, results = _measure(arguments, settings, plan, store, progress)
        finally:
            progress.close()
    verdict = overall(results)
    notes = [f"skipped: {case}: {reason}" for case, reason in done.skipped.items()]
    notes += [f"{presence} since the anchor: {case}" for case, presence in done.others.items()]
    if pinned.new is not None:
        notes.append(f"the anchor was pinned tonight: {pinned.new}")
    view = night_view((done.base, done.candidate), pinned.epoch, results, verdict, notes)
    show(view, arguments, out)
    _report(view, results, arguments.report, err)
    if arguments.junit is not None:
        _write_junit(plan.target_name, results, done, arguments)
    return _gate(results, done, rule.pairs)


def _plan(arguments: argparse.Namespace, settings: "Settings", pairs: int) -> "Plan":
    from harness.plan import make_plan

    return make_plan(
        settings,
        target=arguments.target,
        suite=arguments.suite,
        globs=arguments.case,
        launches=pairs,
        tags=tags(arguments.tag),
    )


def _measure(
    arguments: argparse.Namespace,
    settings: "Settings",
    plan: "Plan",
    store: "Store",
    progress: "Progress",
) -> "tuple[Pinned, PairsResult, tuple[NightResult, ...]]":
    from dataclasses import replace

    from harness.machine import this_machine
    from harness.nightly import Night, before_tonight
    from harness.plan import ROUNDS_IN_TURNS, PairPlan
    from harness.runner.night import find_anchor, measure_night
    from harness.stats.nights import NightRule
    from harness.store.reader import Reader

    rule = NightRule()
    with Reader(arguments.db) as reader:
        known = reader.anchors(this_machine().fingerprint, plan.target_name)
        pinned = find_anchor(plan, known, store, progress.say)
        epoch = [each for each in known if each.epoch == pinned.epoch]
        turns = {each.id: reader.turns(each.id, rule.most_nights) for each in epoch}

    def night(cases: tuple[str, ...]) -> Night:
        before = before_tonight(epoch, turns, cases, rule)
        floors = {case: settings.floor(case) for case in cases}
        return Night(
            cases=cases, floors=floors, before=before.ratios, bridges=before.bridges, rule=rule
        )

    pairs = PairPlan(
        base=replace(plan, image=pinned.image),
        candidate=plan,
        rounds=ROUNDS_IN_TURNS,
        budget_s=arguments.max_time,
        anchor=pinned.id,
    )
    done = measure_night(pairs, pinned, store, progress, night, pin=arguments.pin)
    return pinned, done, night(done.cases).results(done.turned)


def _report(view: View, results: "tuple[NightResult, ...]", path: Path | None, err: TextIO) -> None:
    if path is not None:
        path.write_text(render(view, "md"))
    if os.environ.get("GITHUB_ACTIONS") == "true":
        from harness.report import github

        github.summarise(view, os.environ.get("GITHUB_STEP_SUMMARY"))
        slower = [each for each in results if each.verdict == "slower"]
        write("".join(github.error(f"{each.case}: {_how_much(each)}") for each in slower), err)


def _write_junit(
    target: str,
    results: "tuple[NightResult, ...]",
    done: "PairsResult",
    arguments: argparse.Namespace,
) -> None:
    from harness.report import junit

    runs = (done.base, done.candidate) if done.failures else ()
    others = {case: f"{presence} since the anchor" for case, presence in done.others.items()}
    skipped = {**done.skipped, **others}
    suite = junit.of_night(target, results, failures_of(arguments.db, *runs), skipped)
    junit.write([suite], arguments.junit)


def _how_much(result: "NightResult") -> str:
    change = 0.0 if result.change is None else result.change - 1.0
    return f"{change:+.1%} against the {result.nights} nights before"


def _gate(results: "tuple[NightResult, ...]", done: "PairsResult", least: int) -> int:
    """The exit code. Raises what stands for another than 0."""
    slower = [f"{each.case} ({_how_much(each)})" for each in results if each.verdict == "slower"]
    if slower:
        raise Regression(f"slower, and confirmed in new containers: {', '.join(slower)}")
    if done.failures:
        raise CasesFailed(f"{done.failures} failure(s); see `jaxrig show {done.candidate} --log`")
    if all(each.pairs < least for each in results):
        raise TooLittleData(f"no case has the {least} launch pairs that make a night")
    return 0
