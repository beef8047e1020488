"""Whole runs on a scripted engine, and what the database holds of them."""

from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from containers.engine import Exit
from containers.spec import LaunchSpec
from harness.plan import Launch, Plan
from harness.runner import run as runner
from harness.runner.run import Result, execute
from harness.runner.setup import Setup
from harness.store.reader import Reader
from harness.store.writer import Store
from harness.target import Target
from tests.harness.fakes import FakeEngine, Script, Step, Watcher, cases_in
from tests.harness.samples import (
    environment,
    finished,
    line,
    lines,
    measured,
    profile,
    started,
)

TARGET = Target(platform="cpu", dockerfile=Path("cpu.Dockerfile"), cpus="0", env={"X": "y"})
ENVIRONMENT = line(environment())


def plan(*cases: str, launches: int = 1, **changes: Any) -> Plan:
    return Plan(
        target_name="cpu",
        target=TARGET.model_copy(update=changes),
        suite="quick",
        isolation="process",
        launches=tuple(Launch(index=i, part=0, cases=cases) for i in range(launches)),
        tags=MappingProxyType({"night": "1"}),
    )


def well(spec: LaunchSpec) -> Script:
    """A launch that measures, or profiles, all it is asked to."""
    cases = cases_in(spec)
    told = traced if "--profile" in spec.command else measured
    return Script([ENVIRONMENT, *map(told, cases), line(finished(len(cases)))], log="well\n")


def traced(case: str) -> bytes:
    return lines(started(case), profile(case))


def prints(*steps: Step, code: int = 0, log: str = "") -> Callable[[LaunchSpec], Script]:
    """Launches that all do the same, whatever they are asked for."""
    return lambda _: Script(steps, Exit(code=code, out_of_memory=False), log)


class Bench:
    """Runs plans on a scripted engine."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, store: Store, url: str) -> None:
        self._monkeypatch = monkeypatch
        self.store = store
        self.url = url
        self.watcher = Watcher()
        self.engine = FakeEngine(well)

    def execute(self, plan: Plan, script: Callable[[LaunchSpec], Script] = well) -> Result:
        self.engine = FakeEngine(script)
        return self.execute_on(plan, Setup(engine=self.engine, image=None, own_folder="/own/bench"))

    def execute_on(self, plan: Plan, setup: Setup) -> Result:
        self._monkeypatch.setattr(runner, "set_up", lambda *_: setup)
        return execute(plan, self.store, self.watcher)

    def read(self) -> "Kept":
        with Reader(self.url) as reader:
            frame = reader.measurements("latest")
            return Kept(
                status=reader.run("latest").status,
                measured=list(zip(frame["launch"], frame["part"], frame["case"], strict=True)),
                failures=[(x.case, x.kind, x.launch) for x in reader.failures("latest")],
                messages=[x.message for x in reader.failures("latest")],
                launches=[(x.launch, x.part, x.status) for x in reader.launches("latest")],
            )


class Kept:
    """What the database holds of the newest run."""

    def __init__(
        self,
        *,
        status: str,
        measured: list[tuple[int, int, str]],
        failures: list[tuple[str | None, str, int | None]],
        messages: list[str],
        launches: list[tuple[int, int, str]],
    ) -> None:
        self.status = status
        self.measured = measured
        self.failures = failures
        self.messages = messages
        self.launches = launches
