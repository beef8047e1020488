"""Which rounds a GPU did not compute at full speed, and why."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from workloads.environment import started_platform
from workloads.nvml import APPLICATION_CLOCKS, IDLE, Glance, Gpu, Reading, Unread, gpus, need_known

SLOW_SHARE = 0.75
"""Of the highest SM clock: a round that ends below it is marked."""

_HARMLESS = frozenset({IDLE, APPLICATION_CLOCKS})
"""Nothing to compute, and a clock that somebody has set."""

_LASTING = frozenset({"sw_power_cap"})
"""What the work itself brings about: after a pause it is the same again."""


@dataclass(frozen=True, kw_only=True)
class Seen:
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

    def as_record(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if name != "passing"}


@dataclass(frozen=True, kw_only=True)
class Watched:
    """What was seen of every GPU that a case runs on; the first of them is where one would be
    enough. `looked_at`: the rounds, from 0, at whose ends was looked, as many as there are clocks;
    None: each."""

    gpus: tuple[Seen, ...]
    looked_at: tuple[int, ...] | None = None

    @property
    def looks(self) -> int:
        return len(self.gpus[0].sm_clocks_hz)

    @property
    def marked(self) -> set[int]:
        """Rounds in which any of them was slowed."""
        return {each for seen in self.gpus for each in seen.marked}

    @property
    def passing(self) -> set[int]:
        """Rounds in which any of them was slowed by what a pause may end."""
        return {each for seen in self.gpus for each in seen.passing}

    def as_record(self, set_aside_s: Sequence[float] = ()) -> dict[str, Any]:
        """`set_aside_s`: samples that these rounds were taken in place of."""
        first, *others = (seen.as_record() for seen in self.gpus)
        looked_at = None if self.looked_at is None else list(self.looked_at)
        more = {"set_aside_s": list(set_aside_s), "looked_at": looked_at, "others": others}
        return {**first, **more}


@dataclass(kw_only=True)
class Watch:
    """Looks at GPUs while a case is timed: to be made before the first round."""

    gpus: Sequence[Gpu]
    before: list[Reading] = field(init=False)
    glances: list[list[Glance]] = field(default_factory=list)
    """Of each GPU, look by look."""

    def __post_init__(self) -> None:
        self.before = [gpu.read() for gpu in self.gpus]

    def look(self) -> None:
        """To be called at the end of each round, the warm-up included; it is not timed."""
        self.glances.append([gpu.glance() for gpu in self.gpus])

    def end(self, rounds: int) -> Watched:
        """After the last of so many rounds, before which others may have warmed up."""
        self.look()
        places = range(len(self.gpus))
        return Watched(gpus=tuple(self.seen(each, range(rounds)) for each in places))

    def seen(self, place: int, rounds: Sequence[int]) -> Seen:
        """Of the GPU at `place`; the last looks were at the ends of these rounds."""
        gpu, highest = self.gpus[place], self.gpus[place].max_sm_clock_hz
        glances = [each[place] for each in self.glances[-len(rounds) :]]
        found = list(zip(rounds, glances, strict=True))
        reasons = [reason for each in glances for reason in each.throttle_reasons or ()]
        return Seen(
            name=gpu.name,
            uuid=gpu.uuid,
            max_sm_clock_hz=gpu.max_sm_clock_hz,
            application_sm_clock_hz=gpu.application_sm_clock_hz,
            before=self.before[place],
            after=gpu.read(),
            sm_clocks_hz=tuple(each.sm_clock_hz for each in glances),
            throttle_reasons=tuple(dict.fromkeys(reasons)),
            marked=tuple(at for at, each in found if is_slowed(each, highest)),
            passing=tuple(at for at, each in found if is_passing(each, highest)),
        )


def watch(devices: int = 1) -> Watch | None:
    """Of the first GPUs that JAX runs on here, so many; None where they are not NVIDIA's. Raises
    `Unread`."""
    if started_platform() != "cuda":
        return None
    import jax

    numbers = [device.local_hardware_id for device in jax.local_devices()[:devices]]
    need_known(numbers)
    return Watch(gpus=[gpus()[number] for number in numbers])


def warnings(watched: Watched) -> list[str]:
    """Says, GPU by GPU, where the time of a round is not that of a GPU at its speed."""
    return [
        f"{_named(watched, seen)} was slowed in {_share(watched, seen.marked)} ({_why(seen)})"
        for seen in watched.gpus
        if seen.marked
    ]


def again(watched: Watched) -> str:
    """Says that there was a first try, and why it was not the last."""
    some = "the" if len(watched.gpus) == 1 else "a"
    share = _share(watched, watched.marked)
    return f"measured again after a pause: {some} GPU was slowed in {share} before"


def unknown(error: Unread) -> str:
    """Says that nothing was watched."""
    return f"clocks and throttling of the GPU unknown: {error}"


def _named(watched: Watched, seen: Seen) -> str:
    if len(watched.gpus) == 1:
        return "the GPU"
    return " ".join(each for each in (seen.name, seen.uuid) if each) or "a GPU"


def _share(watched: Watched, rounds: Collection[int]) -> str:
    of = "rounds" if watched.looked_at is None else "rounds that were looked at"
    return f"{len(rounds)} of {watched.looks} {of}"


def _why(seen: Seen) -> str:
    clocks = [each for each in seen.sm_clocks_hz if each]
    held = [each for each in seen.throttle_reasons if each not in _HARMLESS]
    lowest = f", down to {min(clocks) / 1e6:.0f} MHz" if clocks else ""
    return (", ".join(held) or f"below {SLOW_SHARE:.0%} of its highest clock") + lowest


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
