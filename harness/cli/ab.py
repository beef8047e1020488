"""`jaxrig ab`."""

import argparse
from pathlib import Path
from typing import TextIO

from harness.cli.words import positive, show, tag
from harness.errors import CasesFailed, Regression, TooLittleData


def add(ab: argparse.ArgumentParser) -> None:
    ab.add_argument("base", help="a target; see `jaxrig targets`")
    ab.add_argument("candidate", help="likewise: is it slower than the base?")
    ab.add_argument("--suite", default="quick", help="quick (default), standard, full or own")
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
    ab.add_argument("--isolation", choices=("container", "process"), default="container")


def ab(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.ab import Ab, overall, within
    from harness.config import load
    from harness.plan import make_pair_plan
    from harness.report.progress import make_progress
    from harness.report.turns import ab_view
    from harness.runner.pairs import execute_pairs
    from harness.stats.judge import Rule
    from harness.store.writer import Store

    rule = within(Rule(), arguments.max_pairs or Rule().most_pairs)
    settings = load(Path.cwd())
    plan = make_pair_plan(
        settings,
        base=arguments.base,
        candidate=arguments.candidate,
        suite=arguments.suite,
        globs=arguments.case,
        pairs=rule.most_pairs,
        budget_s=arguments.max_time,
        isolation=arguments.isolation,
        tags=dict(arguments.tag),
    )
    ab = Ab(cases=plan.cases, floors={case: settings.floor(case) for case in plan.cases}, rule=rule)
    with Store(arguments.db) as store:
        progress = make_progress(err)
        try:
            done = execute_pairs(plan, store, progress, ab)
        finally:
            progress.close()
    results = ab.results(done.turned)
    show(ab_view(done.base, done.candidate, results, overall(results)), arguments, out)
    slower = [f"{each.case} ({each.metric})" for each in results if each.verdict == "slower"]
    if slower:
        raise Regression(f"slower, and confirmed in new containers: {', '.join(slower)}")
    if done.failures:
        raise CasesFailed(f"{done.failures} failure(s); see `jaxrig show {done.candidate} --log`")
    if all(each.pairs < rule.looks[0] for each in results):
        raise TooLittleData(f"no case has {rule.looks[0]} launch pairs; raise --max-pairs")
    return 0
