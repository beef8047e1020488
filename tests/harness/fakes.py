"""A launch and an engine that follow a script; a progress and a sink that remember."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import pairwise
from types import TracebackType
from typing import Self

from containers.engine import Exit, Running
from containers.spec import LaunchSpec
from harness.plan import Launch, Plan
from harness.records import Environment, Measured, Profile


class Silence(Enum):
    """A launch that prints nothing more, and goes on running."""

    FOREVER = "forever"


FOREVER = Silence.FOREVER

WELL = Exit(code=0, out_of_memory=False)

Step = bytes | Silence | BaseException | Callable[[], None]


@dataclass(frozen=True)
class Script:
    """What a launch does: `steps` in order (bytes are printed, exceptions are the engine's
    answer, functions are called before the next step), then its end."""

    steps: Sequence[Step] = ()
    exit: Exit = WELL
    log: str = ""


@dataclass
class FakeRunning:
    """See `containers.engine.Running`."""

    script: Script
    waits: list[float] = field(default_factory=list)
    heard: list[bytes] = field(default_factory=list)
    kills: int = 0
    _next: int = 0

    @property
    def name(self) -> str:
        return "fake"

    def read(self, timeout_s: float) -> bytes | None:
        while self._next < len(self.script.steps):
            step = self.script.steps[self._next]
            if step is FOREVER:
                time.sleep(timeout_s)
                return None
            self._next += 1
            if isinstance(step, bytes):
                return step
            if isinstance(step, BaseException):
                raise step
            if callable(step):
                step()
        return b""

    def write(self, data: bytes) -> None:
        self.heard.append(data)

    def log(self) -> str:
        return self.script.log

    def wait(self, timeout_s: float) -> Exit:
        self.waits.append(timeout_s)
        return self.script.exit

    def kill(self) -> None:
        self.kills += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()


@dataclass
class FakeEngine:
    """See `containers.engine.Engine`. `script` answers each launch that is asked for."""

    script: Callable[[LaunchSpec], Script]
    specs: list[LaunchSpec] = field(default_factory=list)
    launches: list[FakeRunning] = field(default_factory=list)

    isolation: str = "process"

    def start(self, spec: LaunchSpec) -> Running:
        self.specs.append(spec)
        running = FakeRunning(self.script(spec))
        self.launches.append(running)
        return running

    def sweep(self) -> int:
        return 0


def cases_in(spec: LaunchSpec) -> tuple[str, ...]:
    """The cases that a launch is asked to measure."""
    words = [part for word in spec.command for part in word.split("=", 1)]
    return tuple(word for flag, word in pairwise(words) if flag == "--case")


Failed = tuple[str | None, str, str]


@dataclass
class Findings:
    """A `Sink` that remembers."""

    environments: list[Environment] = field(default_factory=list)
    started: list[str] = field(default_factory=list)
    measurements: list[Measured] = field(default_factory=list)
    profiles: list[Profile] = field(default_factory=list)
    failures: list[Failed] = field(default_factory=list)
    skips: list[tuple[str, str]] = field(default_factory=list)

    def environment(self, environment: Environment) -> None:
        self.environments.append(environment)

    def case_started(self, case: str) -> None:
        self.started.append(case)

    def measured(self, measurement: Measured) -> None:
        self.measurements.append(measurement)

    def profiled(self, profile: Profile) -> None:
        self.profiles.append(profile)

    def skipped(self, case: str, reason: str) -> None:
        self.skips.append((case, reason))

    def failed(self, case: str | None, kind: str, message: str) -> None:
        self.failures.append((case, kind, message))

    @property
    def blamed(self) -> list[tuple[str | None, str]]:
        """Failures without their messages."""
        return [(case, kind) for case, kind, _ in self.failures]


@dataclass
class Watcher:
    """A `Progress` that remembers what it was told."""

    events: list[str] = field(default_factory=list)

    def say(self, line: str) -> None:
        self.events.append(line)

    def run_started(self, plan: Plan, name: str) -> None:
        self.events.append(f"run {len(plan.launches)}x{len(plan.cases)} {bool(name)}")

    def launch_started(self, launch: Launch) -> None:
        self.events.append(f"launch {launch.index}.{launch.part}")

    def case_started(self, case: str) -> None:
        self.events.append(f"start {case}")

    def measured(self, measurement: Measured) -> None:
        self.events.append(f"measured {measurement.case}")

    def profiled(self, profile: Profile) -> None:
        self.events.append(f"profiled {profile.case}")

    def skipped(self, case: str, reason: str) -> None:
        self.events.append(f"skipped {case} {bool(reason)}")

    def failed(self, case: str | None, kind: str, message: str) -> None:
        self.events.append(f"failed {case} {kind} {bool(message)}")

    def close(self) -> None:
        self.events.append("close")
