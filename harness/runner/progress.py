"""What a run tells whoever watches it."""

from typing import Protocol

from harness.plan import Launch, Plan
from harness.records import Measured, Profile


class Progress(Protocol):
    """Told of every step; draws, prints or ignores it."""

    def say(self, line: str) -> None:
        """A line about something other than a case."""

    def run_started(self, plan: Plan, name: str) -> None: ...

    def launch_started(self, launch: Launch) -> None: ...

    def case_started(self, case: str) -> None: ...

    def measured(self, measurement: Measured) -> None: ...

    def profiled(self, profile: Profile) -> None: ...

    def skipped(self, case: str, reason: str) -> None: ...

    def failed(self, case: str | None, kind: str, message: str) -> None: ...

    def close(self) -> None: ...
