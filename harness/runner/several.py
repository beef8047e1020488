"""Several runs in turns, launch by launch: what drifts meanwhile meets all of them."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial

from containers.errors import ImageUnavailable, LaunchRefused
from harness.errors import EnvironmentFailure
from harness.plan import Plan
from harness.runner.collect import Uncollected
from harness.runner.interrupt import interruptible
from harness.runner.progress import Progress
from harness.runner.run import OngoingRun, Result, engine_failures, prepared, unprepared
from harness.store.writer import Store

_ITS_OWN = (EnvironmentFailure, ImageUnavailable, LaunchRefused)
"""What is amiss with one target, and no reason to end the others: an engine that answers no more
is one."""


def execute_several(plans: Sequence[tuple[Plan, Progress]], store: Store) -> list[Result]:
    """Measures the first launch of every plan, then the second of every plan, and so on; the
    results are in the order of the plans.

    Nothing is measured before all have begun or are known not to be able to. What is amiss with
    one target ends its run alone, and is in its result. Raises what `execute` does, which ends all
    of them, where no engine answers.
    """
    with interruptible(), engine_failures(), ExitStack() as stack:
        begun = [_begun(plan, store, progress) for plan, progress in plans]
        ready = [each for each in begun if not isinstance(each, Result)]
        runs = [run for run, _ in ready]
        for run, uncollected in ready:
            run.waits_s = sum(_limit_s(other) for other in runs if other is not run)
            stack.enter_context(run)
            run.fail_all(uncollected)
        for run in _measure(runs):
            _alone(run, run.profile)
    return [each if isinstance(each, Result) else each[0].result() for each in begun]


def _begun(
    plan: Plan, store: Store, progress: Progress
) -> tuple[OngoingRun, tuple[Uncollected, ...]] | Result:
    """As `prepared`; where the run cannot begin, its result."""
    try:
        return prepared(plan, store, progress)
    except _ITS_OWN as error:
        return unprepared(plan, store, progress, str(error))


def _measure(runs: Sequence[OngoingRun]) -> list[OngoingRun]:
    """There and back again, so that none always comes first. A run whose process died before any
    case, or that its environment ended, is not gone on with; the others are handed back."""
    going = list(runs)
    for index in range(max((len(run.plan.launches) for run in runs), default=0)):
        there = going if index % 2 == 0 else going[::-1]
        ended = [run for run in there if not _goes_on(run, index)]
        going = [run for run in going if run not in ended]
    return going


def _goes_on(run: OngoingRun, index: int) -> bool:
    """Measures its launch of that index, if there is one."""
    if index >= len(run.plan.launches):
        return True
    return _alone(run, partial(run.measure, run.plan.launches[index]))


def _alone(run: OngoingRun, step: Callable[[], bool]) -> bool:
    """What the step says. What is amiss with the run's target was said, and kept with the launch,
    and ends this run alone."""
    try:
        return step()
    except _ITS_OWN as error:
        run.amiss = str(error)
        return False


def _limit_s(run: OngoingRun) -> float:
    return (len(run.plan.launches) + run.plan.profiled) * run.plan.target.launch_limit_s
