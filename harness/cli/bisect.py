"""`jaxrig bisect`."""

import argparse
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from harness.cli.stored import failures_of
from harness.cli.words import positive, saying, show, tag, tags
from harness.errors import TooLittleData, UsageError

if TYPE_CHECKING:
    from harness.config import Settings
    from harness.course import Course, Decision, Question, Step
    from harness.own import OwnSuite
    from harness.plan import PairPlan
    from harness.runner.progress import Progress


def add(bisect: argparse.ArgumentParser) -> None:
    bisect.add_argument("case", nargs="?", metavar="CASE", help="the one that got slower")
    bisect.add_argument("--good", metavar="REV", help="of the target's project, or jax==VERSION")
    bisect.add_argument("--bad", metavar="REV", help="a later one, in which the case is slower")
    bisect.add_argument("--target", default="cpu", help="see `jaxrig targets` (default: cpu)")
    bisect.add_argument(
        "--workloads", type=Path, metavar="PATH", help="CASE is of this pytest-benchmark suite"
    )
    bisect.add_argument(
        "--max-pairs", type=positive, metavar="N", help="launch pairs of a step; 2 N where unclear"
    )
    bisect.add_argument(
        "--tag", action="append", default=[], metavar="K=V", type=tag, help="label all runs"
    )
    bisect.add_argument(
        "--log", type=Path, metavar="FILE", help="goes on where it ends (bisect-CASE.jsonl)"
    )
    bisect.add_argument(
        "--replay", type=Path, metavar="FILE", help="print what a log tells; measure nothing"
    )


def bisect(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.journal import read
    from harness.report.bisection import bisection_view

    if arguments.replay is not None:
        _need_nothing_else(arguments)
        course = read(arguments.replay)
    else:
        course = _followed(arguments, err)
    show(bisection_view(course), arguments, out)
    return 0 if arguments.replay is not None else _ending(course)


def _followed(arguments: argparse.Namespace, err: TextIO) -> "Course":
    """To its end, from where the log ends."""
    from harness import journal
    from harness.config import load
    from harness.report.progress import make_progress
    from harness.runner.bisecting import InTurns, follow
    from harness.stats.judge import Rule
    from harness.store.writer import Store

    settings = load(Path.cwd())
    question = _question(arguments, settings)
    log = arguments.log or Path(_log_name(question.case))
    course = journal.resumed(log, question)
    if course.decisions:
        saying(err)(f"{log} tells {len(course.decisions)} decision(s) already; going on from there")
    with Store(arguments.db, saying(err)) as store:
        progress = make_progress(err)
        try:
            turns = InTurns(
                plan=partial(_plan, arguments, settings, question),
                floor=settings.floor,
                pairs=arguments.max_pairs or Rule().most_pairs,
                store=store,
                progress=progress,
                failures=partial(_failures, arguments.db),
            )
            return follow(course, turns.measure, partial(_keep, log, progress))
        finally:
            progress.close()


def _keep(log: Path, progress: "Progress", decision: "Decision") -> None:
    from harness import journal

    journal.add(log, decision)
    progress.say(f"{decision.revision} is {decision.finding} ({decision.outcome})")


def _question(arguments: argparse.Namespace, settings: "Settings") -> "Question":
    """Raises `UsageError` for what is missing or unknown."""
    from harness.course import Question
    from harness.lineage import lineage
    from harness.runner.bisecting import described

    if None in (arguments.case, arguments.good, arguments.bad):
        raise UsageError("bisect wants CASE, --good REV and --bad REV; or --replay FILE")
    case, suite = _chosen(arguments, settings)
    good, revisions = lineage(arguments.target, arguments.good, arguments.bad, settings)
    return Question(
        case=case,
        target=arguments.target,
        suite=suite,
        good=good,
        revisions=revisions,
        floor=settings.floor(case),
        settings=described(arguments.target, settings.target(arguments.target)),
    )


def _chosen(arguments: argparse.Namespace, settings: "Settings") -> tuple[str, str]:
    """The case, and the name of a suite that holds it. Raises `UsageError`."""
    from harness.plan import cases_of, suites_of

    own = _own(arguments)
    if own is not None:
        return arguments.case, own.name
    cases = cases_of(settings, globs=[arguments.case])
    if len(cases) > 1:
        raise UsageError(f"a bisection is of one case; {arguments.case!r} matches {len(cases)}")
    return cases[0].id, suites_of(settings, cases[0])[0]


def _own(arguments: argparse.Namespace) -> "OwnSuite | None":
    from harness.own import find_suite

    path = arguments.workloads
    return None if path is None else find_suite(path, [arguments.case])


def _plan(
    arguments: argparse.Namespace,
    settings: "Settings",
    question: "Question",
    step: "Step",
    pairs: int,
) -> "PairPlan":
    from harness.plan import make_pair_plan
    from harness.sides import parse_side

    base, candidate = (f"{question.target}@{each}" for each in (step.against, step.revision))
    return make_pair_plan(
        settings,
        base=parse_side(base),
        candidate=parse_side(candidate),
        suite=question.suite,
        globs=[question.case],
        own=_own(arguments),
        pairs=pairs,
        isolation="container",  # a plain process has one stack
        tags=tags(arguments.tag),
    )


def _failures(db: str, run: str) -> list[str]:
    return [f"{each.kind}: {each.message}" for each in failures_of(db, run)]


def _log_name(case: str) -> str:
    """Without what parts folders, or is no file's name somewhere."""
    return f"bisect-{re.sub(r'[^A-Za-z0-9._-]+', '-', case).strip('-.')}.jsonl"


def _need_nothing_else(arguments: argparse.Namespace) -> None:
    """Raises `UsageError` where it was asked for a measurement as well."""
    asked = (arguments.case, arguments.good, arguments.bad, arguments.log, arguments.workloads)
    if any(each is not None for each in asked):
        raise UsageError("--replay FILE measures nothing, and takes no CASE, --good or --bad")


def _ending(course: "Course") -> int:
    """The exit code. Raises what stands for another than 0."""
    from harness.report.bisection import status_of

    if status_of(course) == "hidden":
        raise TooLittleData(
            f"{len(course.bisection.suspects)} revisions are left, which had to be skipped or are "
            "the last of them; make one of them measurable (the log says what hindered it, and "
            "forgets what is taken out of it), or raise --max-pairs"
        )
    return 0
