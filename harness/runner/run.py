"""A run, from the first launch to its last word in the store."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Self

from containers import owner
from containers.engine import Running
from containers.errors import EngineError
from containers.spec import LaunchSpec, Limits
from harness import __version__, noise
from harness.config import Target
from harness.errors import DatabaseFailure, EnvironmentFailure, Interrupted, UsageError
from harness.git import describe
from harness.machine import this_machine
from harness.plan import Launch, Plan, first_process, with_cases
from harness.records import BadRecord, Benchmark, Environment, Measured, Measurement
from harness.runner.collect import Contents, collect
from harness.runner.interrupt import interruptible
from harness.runner.progress import Progress
from harness.runner.session import Ending, Session, TimeLimits
from harness.runner.setup import Setup, limits, set_up
from harness.store.writer import Store
from workloads.catalog import find

_DEADLINE_GRACE = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Result:
    """A run that came to its end; `failures` counts what it could not measure."""

    name: str
    failures: int
    measurements: int
    skipped: Mapping[str, str]
    """Case → why it could not run here."""


def execute(plan: Plan, store: Store, progress: Progress) -> Result:
    """Measures all launches of `plan`.

    Raises `EnvironmentFailure`, `DatabaseFailure` or `Interrupted` when it cannot come to the
    end; what was measured until then is kept.
    """
    with interruptible(), _engine_failures():
        setup = set_up(plan, progress.say)
        close_abandoned(store)
        contents = Contents()
        if plan.own is not None:
            contents = contents_of(plan, setup)
            cases = (*contents.benchmarks, *contents.others)
            plan = with_cases(plan, plan.own.select(cases, complete=not contents.failures))
        run = _Run(plan=plan, setup=setup, store=store, progress=progress)
        with run:
            for each in contents.failures:
                run.fail(None, each.case, each.kind, each.message)
            for launch in plan.launches:
                if not run.measure(launch):
                    break
    return Result(
        name=run.name,
        failures=run.failures,
        measurements=run.measurements,
        skipped=run.skipped,
    )


def contents_of(plan: Plan, setup: Setup) -> Contents:
    """What a suite of one's own holds. Raises `UsageError` where there is nothing to measure."""
    spec = _spec(plan, setup, (*_own_command(plan, setup), "--collect"))
    contents = collect(setup.engine, spec, plan.target.case_limit_s)
    if not contents.benchmarks and not contents.failures:
        raise UsageError(f"no test of {plan.suite} uses pytest-benchmark's `benchmark` fixture")
    return contents


def close_abandoned(store: Store) -> None:
    """Marks runs that ended without a word as interrupted: their process is gone (kill -9), or
    no launch of theirs can still be running (a power cut, another machine)."""
    now = datetime.now(UTC)
    for open_run in store.open_runs():
        if owner.is_gone(open_run.owner) or now > open_run.deadline_at:
            store.close_abandoned(open_run.id)


@dataclass
class _Run:
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
    _id: int = -1

    def __enter__(self) -> Self:
        plan, image = self.plan, self.setup.image
        commit, dirty = describe()
        self._id, self.name = self.store.begin_run(
            machine=this_machine(),
            image=None if image is None else (image.digest, image.tag),
            target=plan.target_name,
            platform=plan.target.platform,
            isolation=plan.isolation,
            suite=plan.suite,
            cases=list(plan.cases),
            launches_planned=len(plan.launches),
            tags=dict(plan.tags),
            git_commit=commit,
            git_dirty=dirty,
            jaxrig_version=__version__,
            owner=owner.this_process(),
            deadline_at=datetime.now(UTC) + self._time_limit(),
        )
        self.progress.run_started(plan, self.name)
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, DatabaseFailure):
            return  # it cannot be told; the next run on this machine marks this one
        if isinstance(error, Interrupted):
            status = "interrupted"
        else:
            status = "failed" if error is not None or self.failures else "done"
        self.store.end_run(self._id, status)

    def _time_limit(self) -> timedelta:
        launches_s = len(self.plan.launches) * self.plan.target.launch_limit_s
        return timedelta(seconds=launches_s) + _DEADLINE_GRACE

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

    def _measure_part(self, launch: Launch, deadline: float) -> Ending:
        target = self.plan.target
        command = _command(self.plan, self.setup, launch.cases)
        spec = replace(
            _spec(self.plan, self.setup, command),
            labels={"jaxrig.run": self.name, "jaxrig.launch": str(launch.index)},
            scratch=self.plan.own is None and _on_storage(launch.cases),
        )
        with self._recorded(launch, spec.limits) as record:
            with self.setup.engine.start(spec) as running:
                record.running = running
                session = Session(
                    running=running,
                    cases=launch.cases,
                    limits=TimeLimits(case_s=target.case_limit_s, launch_s=target.launch_limit_s),
                    sink=_LaunchSink(run=self, launch=record.id),
                    deadline=deadline,
                )
                ending = session.follow()
                record.exit_code = ending.exit.code
            return ending

    @contextmanager
    def _recorded(self, launch: Launch, bounds: Limits) -> Iterator["_LaunchRecord"]:
        """The launch's row, opened before and closed after, however it ends."""
        before, failures = noise.snapshot(), self.failures
        enforced = asdict(bounds)
        if self.plan.isolation == "process":
            enforced = {"cpus": bounds.cpus}
        record = _LaunchRecord(
            id=self.store.begin_launch(
                self._id,
                index=launch.index,
                part=launch.part,
                limits=enforced,
                env=self.plan.target.env,
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
                log=record.running.log() if record.running else "",
            )

    def fail(self, launch: int | None, case: str | None, kind: str, message: str) -> None:
        self.store.add_failure(self._id, launch, case, kind, message)
        self.progress.failed(case, kind, message)
        self.failures += 1
        if case is not None:
            self.broken.add(case)


@dataclass
class _LaunchRecord:
    id: int
    running: Running | None = None
    exit_code: int | None = None


@dataclass(frozen=True)
class _LaunchSink:
    """Hands a session's findings to the store at once, and to whoever watches."""

    run: _Run
    launch: int

    def environment(self, environment: Environment) -> None:
        plan = self.run.plan
        check_environment(plan.target_name, plan.target, environment, own=plan.own is not None)
        self.run.store.set_environment(self.launch, environment)

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
        self.run.progress.measured(measurement)
        self.run.measurements += 1

    def skipped(self, case: str, reason: str) -> None:
        self.run.store.add_skip(self.launch, case, reason)
        self.run.skipped[case] = reason
        self.run.progress.skipped(case, reason)

    def failed(self, case: str | None, kind: str, message: str) -> None:
        self.run.fail(self.launch, case, kind, message)


def check_environment(name: str, target: Target, found: Environment, *, own: bool = False) -> None:
    """Refuses a launch that would measure something else than the target says.

    JAX falls back to the CPU without a word when CUDA is missing; a CPU's time under a GPU's
    name is the worst that a benchmark database could hold. A suite of one's own may do without
    JAX: then there is nothing that could fall back. Raises `EnvironmentFailure`.
    """
    without_jax = own and found.jax is None
    if found.platform != target.platform and not without_jax:
        devices = ", ".join(found.device_kinds)
        raise EnvironmentFailure(
            f"target {name} is for platform {target.platform}, but JAX found {found.platform} "
            f"({devices}); nothing was recorded. {_PLATFORM_ADVICE.get(target.platform, '')}"
        )
    if found.boot_id is not None and found.boot_id != owner.boot_id():
        raise EnvironmentFailure(
            "the engine (DOCKER_HOST) runs on another machine; its results would be recorded "
            "under this machine's name. Run jaxrig on that machine"
        )


def check_measurement(found: Measurement) -> None:
    """Refuses a measurement whose facts are not the catalogue's: container output is untrusted,
    and whether numbers are right enough is not the container's to say. Raises `BadRecord`."""
    case = find(found.case)
    expected = {
        "workload": case.workload,
        "phase": case.phase,
        "dtype": case.dtype,
        "parameters": dict(case.parameters),
        "flops": case.cost.flops,
        "bytes": case.cost.bytes,
        "storage_bytes": case.cost.storage_bytes,
        "link_bytes": case.cost.link_bytes,
        "work_unit": None if case.work is None else case.work.unit,
        "work_count": None if case.work is None else case.work.count,
        "numerics_tolerance": case.tolerance,
    }
    for name, value in expected.items():
        if getattr(found, name) != value:
            raise BadRecord(f"{name} is {getattr(found, name)}, in the catalogue {value}")
    if found.numerics_error > case.tolerance:
        raise BadRecord(
            f"numerics error {found.numerics_error:.3g} above the tolerance {case.tolerance:.3g}"
        )


def check_benchmark(target: Target, found: Benchmark) -> Benchmark:
    """`found`, with a warning where nothing shows that it ran on the target's platform.

    Raises `BadRecord` where it did not: a suite may set JAX up itself.
    """
    if found.platform is None and target.platform != "cpu":
        unknown = f"JAX had not been started: nothing shows that this ran on {target.platform}"
        return found.model_copy(update={"warnings": [*found.warnings, unknown]})
    if found.platform not in (None, target.platform):
        raise BadRecord(
            f"it ran on {found.platform}, and the target is for {target.platform}: "
            "the suite sets JAX's platform itself"
        )
    return found


_PLATFORM_ADVICE = {
    "cpu": 'Set JAX_PLATFORMS = "cpu" in the target\'s env.',
    "cuda": "Check that nvidia-smi works here, that the NVIDIA Container Toolkit is installed "
    "and that the target has gpus = true and a JAX with CUDA; or measure --target cpu.",
}


def _on_storage(cases: tuple[str, ...]) -> bool:
    return any(find(case).cost.storage_bytes > 0 for case in cases)


def _spec(plan: Plan, setup: Setup, command: tuple[str, ...]) -> LaunchSpec:
    target, image = plan.target, setup.image
    return LaunchSpec(
        command=command,
        image=None if image is None else image.digest,
        env=target.env,
        limits=limits(target),
        gpus=target.gpus,
        deadline_s=target.launch_limit_s,
    )


def _command(plan: Plan, setup: Setup, cases: tuple[str, ...]) -> tuple[str, ...]:
    if plan.own is not None:
        # One word each: an id may begin with a dash.
        return (*_own_command(plan, setup), *(f"--case={case}" for case in cases))
    devices = find(cases[0]).devices
    forced = ("--devices", str(devices)) if devices > 1 else ()
    chosen = (word for case in cases for word in ("--case", case))
    return ("-m", "workloads.launch", *forced, *chosen)


def _own_command(plan: Plan, setup: Setup) -> tuple[str, ...]:
    file = () if plan.own is None or plan.own.file is None else ("--file", plan.own.file)
    return ("-m", "workloads.guest", "--root", str(setup.own_folder), *file)


@contextmanager
def _engine_failures() -> Iterator[None]:
    try:
        yield
    except EngineError as error:
        raise EnvironmentFailure(str(error)) from error
