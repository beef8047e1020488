"""Several runs in turns, launch by launch: what drifts meanwhile meets all of them."""

from collections.abc import Sequence
from contextlib import ExitStack

from harness.plan import Plan
from harness.runner.interrupt import interruptible
from harness.runner.progress import Progress
from harness.runner.run import OngoingRun, Result, engine_failures, prepared
from harness.store.writer import Store


def execute_several(plans: Sequence[tuple[Plan, Progress]], store: Store) -> list[Result]:
    """Measures the first launch of every plan, then the second of every plan, and so on.

    Nothing is measured before all can begin. Raises what `execute` does, which ends all of them.
    """
    with interruptible(), engine_failures(), ExitStack() as stack:
        begun = [prepared(plan, store, progress) for plan, progress in plans]
        runs = [run for run, _ in begun]
        for run, uncollected in begun:
            run.waits_s = sum(_limit_s(other) for other in runs if other is not run)
            stack.enter_context(run)
            run.fail_all(uncollected)
        for run in _measure(runs):
            run.profile()
    return [run.result() for run in runs]


def _measure(runs: Sequence[OngoingRun]) -> list[OngoingRun]:
    """There and back again, so that none always comes first. A run whose process died before any
    case is not gone on with; the others are handed back."""
    going = list(runs)
    for index in range(max(len(run.plan.launches) for run in runs)):
        there = going if index % 2 == 0 else going[::-1]
        ended = [
            run
            for run in there
            if index < len(run.plan.launches) and not run.measure(run.plan.launches[index])
        ]
        going = [run for run in going if run not in ended]
    return going


def _limit_s(run: OngoingRun) -> float:
    return (len(run.plan.launches) + run.plan.profiled) * run.plan.target.launch_limit_s
