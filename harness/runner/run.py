"""A run, from the first launch to its last word in the store."""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from containers import owner
from containers.errors import EngineError
from containers.spec import Limits
from harness import __version__, noise
from harness.errors import DatabaseFailure, EnvironmentFailure, Interrupted, UsageError
from harness.git import describe
from harness.machine import host_software, this_machine
from harness.plan import Launch, Plan, first_process, with_cases
from harness.records import BadRecord, Benchmark, Environment, Measured, Profile
from harness.runner.abandoned import is_abandoned
from harness.runner.asked import collecting, measuring
from harness.runner.checks import check_benchmark, check_environment, check_measurement
from harness.runner.collect import Contents, Uncollected, collect
from harness.runner.interrupt import interruptible
from harness.runner.progress import Progress
from harness.runner.session import Ending, Session, TimeLimits
from harness.runner.setup import Setup, set_up
from harness.store.writer import Store

_DEADLINE_GRACE = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Result:
    """A run that came to its end; `failures` counts what it could not measure."""

    name: str
    failures: int
    measurements: int
    skipped: Mapping[str, str]
    """Case → why it could not run here."""
    amiss: str = ""
    """What of the environment ended it early, where others went on beside it."""


def execute(plan: Plan, store: Store, progress: Progress) -> Result:
    """Measures all launches of `plan`.

    Raises `EnvironmentFailure`, `DatabaseFailure` or `Interrupted` when it cannot come to the
    end; what was measured until then is kept.
    """
    with interruptible(), engine_failures():
        run, uncollected = prepared(plan, store, progress)
        with run:
            run.fail_all(uncollected)
            for launch in run.plan.launches:
                if not run.measure(launch):
                    break
            else:
                run.profile()
    return run.result()


def prepared(
    plan: Plan, store: Store, progress: Progress
) -> "tuple[OngoingRun, tuple[Uncollected, ...]]":
    """A run that can begin, and what of a suite of one's own it will not measure."""
    setup = set_up(plan, progress.say)
    close_abandoned(store)
    contents = Contents()
    if plan.own is not None:
        contents = contents_of(plan, setup)
        cases = (*contents.benchmarks, *contents.others)
        plan = with_cases(plan, plan.own.select(cases, complete=not contents.failures))
    run = OngoingRun(plan=plan, setup=setup, store=store, progress=progress)
    return run, tuple(contents.failures)


def unprepared(plan: Plan, store: Store, progress: Progress, amiss: str) -> Result:
    """A run that cannot begin: kept as failed, with the reason."""
    run, name = store.begin_run(**_row(plan, None), deadline_at=datetime.now(UTC))
    store.add_failure(run, None, None, "environment", amiss)
    progress.failed(None, "environment", amiss)
    store.end_run(run, "failed")
    return Result(name=name, failures=1, measurements=0, skipped={}, amiss=amiss)


def contents_of(plan: Plan, setup: Setup) -> Contents:
    """What a suite of one's own holds. Raises `UsageError` where there is nothing to measure."""
    contents = collect(setup.engine, collecting(plan, setup), plan.target.case_limit_s)
    if not contents.benchmarks and not contents.failures:
        raise UsageError(f"no test of {plan.suite} uses pytest-benchmark's `benchmark` fixture")
    return contents


def close_abandoned(store: Store) -> None:
    """Marks runs that ended without a word as interrupted."""
    for open_run in store.open_runs():
        if is_abandoned(open_run.owner, open_run.deadline_at):
            store.close_abandoned(open_run.id)


@dataclass
class OngoingRun:
    """A run from its first row to its last; within `with`, launches may be measured."""

    plan: Plan
    setup: Setup
    store: Store
    progress: Progress
    name: str = ""
    failures: int = 0
    measurements: int = 0
    skipped: dict[str, str] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    """Cases that failed once: trying them again would cost every later launch the same."""
    latest: dict[str, Measured] = field(default_factory=dict)
    """What each case's newest measurement said."""
    beside_s: float = 0.0
    """The limit of the launch that lives beside each of this run's, where they are in turns."""
    waits_s: float = 0.0
    """How long other runs may take whose launches come between this one's."""
    amiss: str = ""
    """See `Result`."""
    id: int = -1

    def __enter__(self) -> Self:
        row = _row(self.plan, self.setup)
        deadline_at = datetime.now(UTC) + self._time_limit()
        self.id, self.name = self.store.begin_run(**row, deadline_at=deadline_at)
        self.progress.run_started(self.plan, self.name)
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, DatabaseFailure):
            return  # it cannot be told; the next run on this machine marks this one
        if isinstance(error, Interrupted):
            status = "interrupted"
        else:
            status = "failed" if error is not None or self.failures else "done"
        self.store.end_run(self.id, status)

    def _time_limit(self) -> timedelta:
        launches = len(self.plan.launches) + self.plan.profiled
        launches_s = launches * self._longest_launch_s()
        return timedelta(seconds=launches_s + self.waits_s) + _DEADLINE_GRACE

    def _longest_launch_s(self) -> float:
        """How long one can live. In turns either may take what both limits allow, and waits while
        the other does."""
        own_s = self.plan.target.launch_limit_s
        return 2 * (own_s + self.beside_s) if self.beside_s else own_s

    def measure(self, launch: Launch) -> bool:
        """One launch; in further processes where the first does not come to its end.

        False where a process died before it came to any case: the next ones would, too.
        """
        deadline = time.monotonic() + self.plan.target.launch_limit_s
        cases = tuple(case for case in launch.cases if case not in self.broken)
        part = 0
        while cases:
            self.progress.launch_started(replace(launch, part=part, cases=cases))
            process, later = (cases, ()) if self.plan.own else first_process(cases)
            ending = self._measure_part(replace(launch, part=part, cases=process), deadline)
            if not ending.go_on:
                return False
            cases, part = (*ending.remaining, *later), part + 1
        return True

    def profile(self) -> bool:
        """What was measured runs once more under the profiler, where that is asked for. See
        `measure`."""
        launch = self.plan.profile
        return launch is None or self.measure(replace(launch, cases=tuple(self.latest)))

    def _measure_part(self, launch: Launch, deadline: float) -> Ending:
        with self.launched(launch, deadline) as session:
            return session.follow()

    @contextmanager
    def launched(
        self, launch: Launch, deadline: float, *, rounds: Mapping[str, int] | None = None
    ) -> Iterator[Session]:
        """A started launch, recorded from here to its end. `rounds`: in turns, so many of each
        case."""
        target = self.plan.target
        spec = replace(
            measuring(self.plan, self.setup, launch.cases, rounds=rounds, profiled=launch.profiled),
            labels={"jaxrig.run": self.name, "jaxrig.launch": str(launch.index)},
            deadline_s=self._longest_launch_s(),
        )
        with self._recorded(launch, spec.limits) as record, self.setup.engine.start(spec) as live:
            session = record.session = Session(
                running=live,
                cases=launch.cases,
                limits=TimeLimits(case_s=target.case_limit_s, launch_s=target.launch_limit_s),
                sink=_LaunchSink(run=self, launch=record.id),
                deadline=deadline,
                in_turns=rounds is not None,
                profiled=launch.profiled,
            )
            yield session

    @contextmanager
    def _recorded(self, launch: Launch, bounds: Limits) -> Iterator["_LaunchRecord"]:
        """The launch's row, opened before and closed after, however it ends."""
        before, failures = noise.snapshot(), self.failures
        record = _LaunchRecord(
            id=self.store.begin_launch(
                self.id,
                index=launch.index,
                part=launch.part,
                limits=_enforced(self.plan, bounds),
                env=self.plan.target.variables(),
            )
        )
        status = "failed"
        try:
            yield record
            status = "done" if self.failures == failures else "failed"
        except Interrupted:
            status = "interrupted"
            raise
        except EngineError as error:
            self.fail(record.id, None, "engine", str(error))
            raise
        except EnvironmentFailure as error:
            self.fail(record.id, None, "environment", str(error))
            raise
        finally:
            self.store.end_launch(
                record.id,
                status=status,
                exit_code=record.exit_code,
                noise=noise.between(before, noise.snapshot()).as_dict(),
                log=record.log,
            )

    def result(self) -> Result:
        return Result(
            name=self.name,
            failures=self.failures,
            measurements=self.measurements,
            skipped=self.skipped,
            amiss=self.amiss,
        )

    def fail_all(self, uncollected: Iterable[Uncollected]) -> None:
        for each in uncollected:
            self.fail(None, each.case, each.kind, each.message)

    def fail(self, launch: int | None, case: str | None, kind: str, message: str) -> None:
        self.store.add_failure(self.id, launch, case, kind, message)
        self.progress.failed(case, kind, message)
        self.failures += 1
        if case is not None:
            self.broken.add(case)


def _row(plan: Plan, setup: Setup | None) -> dict[str, Any]:
    """What is stored of a run as it begins, but for its deadline. `setup`: None where it cannot."""
    image = None if setup is None else setup.image
    commit, dirty = _revision(plan)
    return {
        "machine": this_machine(),
        "image": None if image is None else (image.digest, image.tag),
        "made_of": None if setup is None else asdict(setup.made_of),
        "target": plan.target_name,
        "platform": plan.target.platform,
        "isolation": plan.isolation,
        "suite": plan.suite,
        "cases": list(plan.cases),
        "launches_planned": len(plan.launches),
        "tags": dict(plan.tags),
        "git_commit": commit,
        "git_dirty": dirty,
        "jaxrig_version": __version__,
        "owner": owner.this_process(),
    }


def _enforced(plan: Plan, bounds: Limits) -> dict[str, Any]:
    """The limits as they are stored, and which GPUs were chosen. What is left to the engine is
    not: runs from before it could be chosen are alike."""
    limits: dict[str, Any] = asdict(bounds)
    if plan.isolation == "process":
        limits = {"cpus": bounds.cpus}
    chosen = plan.target.gpus if isinstance(plan.target.gpus, str) else None
    every = {**limits, "gpus": chosen}
    return {name: value for name, value in every.items() if value is not None}


def _revision(plan: Plan) -> tuple[str | None, bool | None]:
    """Commit, and whether files differ from it, of what the plan measures."""
    if plan.image is not None:
        return None, None  # made some time, of something
    if plan.revision is not None:
        return plan.revision, False
    return describe(plan.target.project)


@dataclass
class _LaunchRecord:
    id: int
    session: Session | None = None

    @property
    def exit_code(self) -> int | None:
        ended = None if self.session is None else self.session.exit
        return None if ended is None else ended.code

    @property
    def log(self) -> str:
        return "" if self.session is None else self.session.running.log()


@dataclass(frozen=True)
class _LaunchSink:
    """Hands a session's findings to the store at once, and to whoever watches."""

    run: OngoingRun
    launch: int

    def environment(self, environment: Environment) -> None:
        plan = self.run.plan
        check_environment(plan.target_name, plan.target, environment, own=plan.own is not None)
        self.run.store.set_environment(self.launch, environment, host_software())

    def case_started(self, case: str) -> None:
        self.run.progress.case_started(case)

    def measured(self, measurement: Measured) -> None:
        if isinstance(measurement, Benchmark) != (self.run.plan.own is not None):
            raise BadRecord(f"a {measurement.kind} record in a run of {self.run.plan.suite}")
        if isinstance(measurement, Benchmark):
            measurement = check_benchmark(self.run.plan.target, measurement)
        else:
            check_measurement(measurement)
        self.run.store.add_measurement(self.launch, measurement)
        self.run.latest[measurement.case] = measurement
        self.run.progress.measured(measurement)
        self.run.measurements += 1

    def profiled(self, profile: Profile) -> None:
        self.run.store.add_profile(self.launch, profile, self.run.latest[profile.case])
        self.run.progress.profiled(profile)

    def skipped(self, case: str, reason: str) -> None:
        self.run.store.add_skip(self.launch, case, reason)
        self.run.skipped[case] = reason
        self.run.progress.skipped(case, reason)

    def failed(self, case: str | None, kind: str, message: str) -> None:
        self.run.fail(self.launch, case, kind, message)


@contextmanager
def engine_failures() -> Iterator[None]:
    try:
        yield
    except EngineError as error:
        raise EnvironmentFailure(str(error)) from error
