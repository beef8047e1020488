"""What an engine is: anything that starts a launch and hands on what it prints."""

from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from containers.spec import LaunchSpec


@dataclass(frozen=True, kw_only=True)
class Exit:
    """How a launch ended. `code` is negative or above 128 after a signal, as the engine tells."""

    code: int
    out_of_memory: bool


class Running(Protocol):
    """A started launch; leaving its `with` block ends it, whatever it was doing."""

    @property
    def name(self) -> str: ...

    def read(self, timeout_s: float) -> bytes | None:
        """The next bytes of stdout, b"" at its end; None when `timeout_s` passed without any.

        Raises `EngineUnavailable` when the engine itself is gone.
        """

    def write(self, data: bytes) -> None:
        """Hands `data` to stdin, of a launch that was started with it. What has ended already
        does not hear it: that shows when it is read."""

    def log(self) -> str:
        """The end of stderr so far (bounded)."""

    def wait(self, timeout_s: float) -> Exit:
        """How it ended, once stdout has; ends it first when `timeout_s` is not enough."""

    def kill(self) -> None:
        """Ends it now. Safe to call again."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Engine(Protocol):
    """Starts launches."""

    @property
    def isolation(self) -> str:
        """`container` or `process`: marked in every result."""

    def start(self, spec: LaunchSpec) -> Running:
        """Starts a launch. Raises `EngineError`."""

    def sweep(self) -> int:
        """Removes what interrupted launches left behind; how many there were."""
