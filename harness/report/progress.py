"""How a run shows itself: a bar on a terminal, plain lines elsewhere. On stderr, both."""

import time
from typing import TYPE_CHECKING, TextIO

from harness.plan import Launch, Plan
from harness.records import Measured, Profile
from harness.report import quantity
from harness.report.view import printable
from harness.report.writing import write

if TYPE_CHECKING:
    from rich.progress import Progress as Bar


class _Pace:
    """How far a run is, and how long the rest takes at the pace so far."""

    def __init__(self) -> None:
        self.total = self.done = self.launches = self.cases = 0
        self._since = time.monotonic()
        self._counted: set[tuple[int, str]] = set()
        self._launch = 0

    def begin(self, plan: Plan) -> None:
        self.launches, self.cases = len(plan.launches) + plan.profiled, len(plan.cases)
        self.total = self.launches * self.cases
        self._since = time.monotonic()

    def launch(self, launch: Launch) -> None:
        """A launch that leaves cases out (they failed before) counts them as done."""
        self._launch = launch.index
        if launch.part == 0:
            self.done = (launch.index + 1) * self.cases - len(launch.cases)

    def step(self, case: str | None) -> None:
        if case is not None and (self._launch, case) not in self._counted:
            self._counted.add((self._launch, case))
            self.done += 1

    def left_s(self) -> float | None:
        if not self.done:
            return None
        return (time.monotonic() - self._since) / self.done * (self.total - self.done)


class PlainProgress:
    """A line an event, for logs. `label`: of the run, where there are several."""

    def __init__(self, stream: TextIO, label: str = "") -> None:
        self._stream = stream
        self._label = f"{label}: " if label else ""
        self._pace = _Pace()
        self._where = self._label.rstrip()

    def say(self, line: str) -> None:
        write(printable(line) + "\n", self._stream)

    def run_started(self, plan: Plan, name: str) -> None:
        self._pace.begin(plan)
        self.say(f"{self._label}run {name}: {counts(plan)}")

    def launch_started(self, launch: Launch) -> None:
        self._pace.launch(launch)
        again = f", part {launch.part + 1}" if launch.part else ""
        self._where = f"{self._label}launch {launch.index + 1}/{self._pace.launches}{again}"

    def case_started(self, case: str) -> None:
        """Said when it ends."""

    def measured(self, measurement: Measured) -> None:
        self._pace.step(measurement.case)
        self.say(f"{self._where}  {outcome(measurement)}{self._left()}")

    def profiled(self, profile: Profile) -> None:
        self._pace.step(profile.case)
        self.say(f"{self._where}  {profile.case}  profiled{self._left()}")

    def skipped(self, case: str, reason: str) -> None:
        self._pace.step(case)
        self.say(f"{self._where}  skipped {case}: {first_line(reason)}")

    def failed(self, case: str | None, kind: str, message: str) -> None:
        self._pace.step(case)
        what = "FAILED" if case is None else f"FAILED {case}"
        self.say(f"{self._where}  {what} ({kind}): {first_line(message)}")

    def close(self) -> None:
        """Nothing is open."""

    def _left(self) -> str:
        left_s = self._pace.left_s()
        return "" if left_s is None else f"  ({quantity.duration(left_s)} left)"


class BarProgress:
    """A bar with the case, the launch and the time left."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        self._pace = _Pace()
        self._bar: Bar = Progress(
            TextColumn("{task.fields[where]}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[left]} left"),
            TextColumn("{task.description}", markup=False),
            console=Console(file=stream, highlight=False),
            transient=True,
            # Redrawn when something happens: a refresh thread would disturb what is measured.
            auto_refresh=False,
        )
        self._task = self._bar.add_task("", total=None, where="", left="?")
        self._bar.start()

    def say(self, line: str) -> None:
        self._bar.console.print(printable(line), markup=False)

    def run_started(self, plan: Plan, name: str) -> None:
        self._pace.begin(plan)
        self._bar.update(self._task, total=self._pace.total)
        self.say(f"run {name}: {counts(plan)}")

    def launch_started(self, launch: Launch) -> None:
        self._pace.launch(launch)
        self._draw(where=f"launch {launch.index + 1}/{self._pace.launches}", description="starting")

    def case_started(self, case: str) -> None:
        self._draw(description=case)

    def measured(self, measurement: Measured) -> None:
        self._pace.step(measurement.case)
        self._draw()

    def profiled(self, profile: Profile) -> None:
        self._pace.step(profile.case)
        self._draw()

    def skipped(self, case: str, reason: str) -> None:
        self._pace.step(case)
        self.say(f"skipped {case}: {first_line(reason)}")
        self._draw()

    def failed(self, case: str | None, kind: str, message: str) -> None:
        self._pace.step(case)
        what = "FAILED" if case is None else f"FAILED {case}"
        self.say(f"{what} ({kind}): {first_line(message)}")
        self._draw()

    def close(self) -> None:
        self._bar.stop()

    def _draw(self, where: str | None = None, description: str | None = None) -> None:
        left_s = self._pace.left_s()
        if where is not None:
            self._bar.update(self._task, where=where)
        self._bar.update(
            self._task,
            completed=self._pace.done,
            description=description,
            left="?" if left_s is None else quantity.duration(left_s),
            refresh=True,
        )


def make_progress(stream: TextIO) -> PlainProgress | BarProgress:
    """A bar where `stream` is a terminal, lines elsewhere."""
    return BarProgress(stream) if stream.isatty() else PlainProgress(stream)


def counts(plan: Plan) -> str:
    """`4 cases, 3 launches and the profiler's`."""
    more = " and the profiler's" if plan.profiled else ""
    return f"{len(plan.cases)} cases, {len(plan.launches)} launches{more}"


def outcome(measurement: Measured) -> str:
    """`matmul/256/f32  615 µs (50 rounds)`."""
    from statistics import median

    middle = quantity.seconds(median(measurement.samples_s))
    return f"{measurement.case}  {middle} ({len(measurement.samples_s)} rounds)"


def first_line(message: str) -> str:
    return message.partition("\n")[0]
