"""Which rounds a GPU did not compute at full speed, and why."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from workloads.environment import started_platform
from workloads.nvml import APPLICATION_CLOCKS, IDLE, Glance, Gpu, Reading, this_gpu

SLOW_SHARE = 0.75
"""Of the highest SM clock: a round that ends below it is marked."""

_HARMLESS = frozenset({IDLE, APPLICATION_CLOCKS})
"""Nothing to compute, and a clock that somebody has set."""

_LASTING = frozenset({"sw_power_cap"})
"""What the work itself brings about: after a pause it is the same again."""


@dataclass(frozen=True, kw_only=True)
class Watched:
    """What was seen of a GPU before, between and after the rounds of a case.

    `sm_clocks_hz`: at the end of each round; None each where the GPU does not tell.
    `throttle_reasons`: all that were seen then. `marked`: the rounds, from 0, whose time is not
    that of a GPU at its speed; `passing`: those of them that were slowed by what a pause may end.
    """

    name: str | None
    uuid: str | None
    max_sm_clock_hz: float | None
    application_sm_clock_hz: float | None
    before: Reading
    after: Reading
    sm_clocks_hz: tuple[float | None, ...]
    throttle_reasons: tuple[str, ...]
    marked: tuple[int, ...]
    passing: tuple[int, ...]

    def as_record(self, set_aside_s: Sequence[float]) -> dict[str, Any]:
        """`set_aside_s`: samples that these rounds were taken in place of."""
        told = {name: value for name, value in asdict(self).items() if name != "passing"}
        return {**told, "set_aside_s": list(set_aside_s)}


@dataclass(kw_only=True)
class Watch:
    """Looks at a GPU while a case is timed: to be made before the first round."""

    gpu: Gpu
    before: Reading = field(init=False)
    glances: list[Glance] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.before = self.gpu.read()

    def look(self) -> None:
        """To be called at the end of each round, the warm-up included; it is not timed."""
        self.glances.append(self.gpu.glance())

    def end(self, rounds: int) -> Watched:
        """After the last of so many rounds, before which others may have warmed up."""
        self.look()
        gpu, glances = self.gpu, self.glances[-rounds:]
        highest = gpu.max_sm_clock_hz
        seen = [reason for each in glances for reason in each.throttle_reasons or ()]
        return Watched(
            name=gpu.name,
            uuid=gpu.uuid,
            max_sm_clock_hz=gpu.max_sm_clock_hz,
            application_sm_clock_hz=gpu.application_sm_clock_hz,
            before=self.before,
            after=gpu.read(),
            sm_clocks_hz=tuple(each.sm_clock_hz for each in glances),
            throttle_reasons=tuple(dict.fromkeys(seen)),
            marked=tuple(at for at, each in enumerate(glances) if is_slowed(each, highest)),
            passing=tuple(at for at, each in enumerate(glances) if is_passing(each, highest)),
        )


def watch() -> Watch | None:
    """Of the GPU that JAX runs on here; None where that is no NVIDIA GPU. Raises `Unread`."""
    return Watch(gpu=this_gpu()) if started_platform() == "cuda" else None


def warnings(watched: Watched) -> list[str]:
    """Says where the time of a round is not that of a GPU at its speed."""
    if not watched.marked:
        return []
    clocks = [each for each in watched.sm_clocks_hz if each]
    held = [each for each in watched.throttle_reasons if each not in _HARMLESS]
    why = ", ".join(held) or f"below {SLOW_SHARE:.0%} of its highest clock"
    lowest = f", down to {min(clocks) / 1e6:.0f} MHz" if clocks else ""
    return [f"the GPU was slowed in {share(watched)} ({why}{lowest})"]


def share(watched: Watched) -> str:
    return f"{len(watched.marked)} of {len(watched.sm_clocks_hz)} rounds"


def is_slowed(glance: Glance, max_sm_clock_hz: float | None) -> bool:
    """Whether the GPU is held back, by what it says or by its clock. One that has been set to a low
    clock is as fast as it is meant to be."""
    why = set(glance.throttle_reasons or ())
    if why - _HARMLESS:
        return True
    if glance.sm_clock_hz is None or max_sm_clock_hz is None or APPLICATION_CLOCKS in why:
        return False
    return glance.sm_clock_hz < SLOW_SHARE * max_sm_clock_hz


def is_passing(glance: Glance, max_sm_clock_hz: float | None) -> bool:
    """Whether it is held back by something that may be over after a while."""
    held = set(glance.throttle_reasons or ()) - _HARMLESS
    return bool(held - _LASTING) if held else is_slowed(glance, max_sm_clock_hz)
