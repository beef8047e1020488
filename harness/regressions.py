"""What becomes of a regression: found in its series, decided on by people, fixed, or taken back.

Changes are looked for anew each time, and as later points arrive the place of one may move by a
few. Here it is found again among those that were kept, so that it has one name, what was decided of
it holds, and it is announced once.
"""

import hashlib
import json
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from harness.changes import Changed, Point, Series
from harness.states import OPEN, State
from harness.stats.changepoints import LEAST
from harness.store.identity import uuid7_of

if TYPE_CHECKING:
    from harness.store.ledger import Decision, Kept

NEAR = 10
"""Points by which the place of a change may have moved, and it is the same."""

_DIGITS = 8
"""Of a name."""

_SERIES = ("case", "machine", "target", "isolation")

_Key = tuple[str, ...]
_Of = TypeVar("_Of", Series, "Kept")


@dataclass(frozen=True, kw_only=True)
class Regression:
    """`where`, `unit`: as of its series. `run`, `started_at`: of the first run after the change.
    `ratio`: of the levels; these three as the series shows them now (`changed`), or, where it shows
    nothing, as they were kept. `kept`: None where it was not. `fixed`: the change that took it
    back."""

    name: str
    uuid: UUID
    where: Mapping[str, str]
    unit: str
    run: str
    started_at: datetime
    ratio: float
    state: State
    changed: Changed | None
    kept: "Kept | None"
    fixed: Changed | None

    @property
    def is_provisional(self) -> bool:
        return self.changed is not None and self.changed.change.provisional

    @property
    def is_certain(self) -> bool:
        """Whether its series shows it, and later points will hardly take it back."""
        return self.changed is not None and not self.changed.change.provisional

    @property
    def is_announced(self) -> bool:
        return self.kept is not None and self.kept.announced_at is not None

    @property
    def is_news(self) -> bool:
        """Whether it is to be announced: it is there, open, certain, and was not."""
        return self.is_certain and self.state in OPEN and not self.is_announced

    @property
    def is_told(self) -> bool:
        """Whether a feed tells it: what was announced stays told, whatever became of it."""
        return self.is_announced or (self.is_certain and self.state != "ignored")

    @property
    def fixed_at(self) -> datetime | None:
        """When the first run began after the change that took it back; where the series shows
        nothing any more, as it was noted."""
        if self.fixed is not None:
            return _started_at(self.fixed.first)
        return self.kept.fixed_at if self.kept is not None and self.changed is None else None

    @property
    def decision(self) -> "Decision | None":
        """The one that holds."""
        return self.kept.decisions[-1] if self.kept is not None and self.kept.decisions else None


def follow(
    series: Sequence[Series], kept: Sequence["Kept"], floor: Callable[[str], float]
) -> tuple[Regression, ...]:
    """Every regression that the series show, and every kept one, the newest first.

    `series`: whole ones, all of those that `kept` may be of. `floor`: of a case, the smallest
    change that matters.
    """
    shown, known = _by_series(series), _by_series(kept)
    found = [
        each
        for key in dict.fromkeys((*shown, *known))
        for each in _followed(shown[key], known[key], floor)
    ]
    return tuple(sorted(found, key=lambda each: (each.started_at, each.name), reverse=True))


@dataclass(frozen=True, kw_only=True)
class _Rise:
    """A change to a higher level, in its series, and the one that took it back."""

    series: Series
    changed: Changed
    fixed: Changed | None


@dataclass(frozen=True, kw_only=True)
class _Home:
    """The series that a kept one is of, and the place of its first run, or where that would be."""

    series: Series
    place: int

    @property
    def is_seen(self) -> bool:
        """Whether a change there could be found: else points that it was seen by were pruned."""
        return self.place >= LEAST and not self.series.levels.few


def _by_series(found: Iterable[_Of]) -> dict[_Key, list[_Of]]:
    by: dict[_Key, list[_Of]] = defaultdict(list)
    for each in found:
        by[_key(each.where, each.unit)].append(each)
    return by


def _key(where: Mapping[str, str], unit: str) -> _Key:
    """What a series is known by; of nights, all those that nothing ties have one."""
    return (*(where[name] for name in _SERIES), unit)


def _followed(
    series: Sequence[Series], kept: Sequence["Kept"], floor: Callable[[str], float]
) -> Iterator[Regression]:
    """Of one key: several series, where nothing ties their anchors."""
    rises = [rise for each in series for rise in _rises(each, floor(each.where["case"]))]
    homes = [_home(each, series) for each in kept]
    matches = _matches(rises, homes)
    for place, (each, home) in enumerate(zip(kept, homes, strict=True)):
        rise = rises[matches[place]] if place in matches else None
        yield _known(each, rise, is_seen=home is not None and home.is_seen)
    for place, rise in enumerate(rises):
        if place not in matches.values():
            yield _new(rise)


def _rises(series: Series, floor: float) -> Iterator[_Rise]:
    changes = list(series.changed())
    for place, each in enumerate(changes):
        if each.change.ratio > 1:
            most = each.change.before * (1 + floor)
            back = (
                later
                for later in changes[place + 1 :]
                if not later.change.provisional and later.change.after <= most
            )
            yield _Rise(series=series, changed=each, fixed=next(back, None))


def _home(kept: "Kept", series: Sequence[Series]) -> _Home | None:
    """None: its first run is gone, and began before or after all that there are."""
    for each in series:
        for place, point in enumerate(each.points):
            if point.run == kept.run:
                return _Home(series=each, place=place)
    for each in series:
        starts = [_started_at(point) for point in each.points]
        if starts and starts[0] <= kept.started_at <= starts[-1]:
            return _Home(series=each, place=bisect_left(starts, kept.started_at))
    return None


def _matches(rises: Sequence[_Rise], homes: Sequence[_Home | None]) -> dict[int, int]:
    """Which of the kept ones (by their homes) is which of the rises: the nearest first, one to one;
    of equally near ones the earlier."""
    near = sorted(
        (abs(home.place - rise.changed.change.at), home.place, one, other)
        for one, home in enumerate(homes)
        for other, rise in enumerate(rises)
        if home is not None and home.series is rise.series
    )
    found: dict[int, int] = {}
    for distance, _, one, other in near:
        if distance <= NEAR and one not in found and other not in found.values():
            found[one] = other
    return found


def _known(kept: "Kept", rise: _Rise | None, *, is_seen: bool) -> Regression:
    changed = None if rise is None else rise.changed
    fixed = None if rise is None else rise.fixed
    is_fixed = kept.fixed_at is not None if rise is None else fixed is not None
    return Regression(
        name=kept.name,
        uuid=kept.uuid,
        where=kept.where if changed is None else changed.where,
        unit=kept.unit,
        run=kept.run if changed is None else changed.first.run,
        started_at=kept.started_at if changed is None else _started_at(changed.first),
        ratio=kept.ratio if changed is None else changed.change.ratio,
        state="withdrawn" if rise is None and is_seen else _state(kept, is_fixed=is_fixed),
        changed=changed,
        kept=kept,
        fixed=fixed,
    )


def _state(kept: "Kept", *, is_fixed: bool) -> State:
    """Of one that is there. What somebody ignores stays so, fixed or not."""
    decided = kept.decisions[-1].state if kept.decisions else "detected"
    if decided == "ignored":
        return "ignored"
    if is_fixed:
        return "fixed"
    return "acknowledged" if decided == "acknowledged" else "detected"


def _new(rise: _Rise) -> Regression:
    changed = rise.changed
    digest, started_at = _digest(changed), _started_at(changed.first)
    return Regression(
        name=digest.hex()[:_DIGITS],
        uuid=uuid7_of(started_at, digest),
        where=changed.where,
        unit=changed.unit,
        run=changed.first.run,
        started_at=started_at,
        ratio=changed.change.ratio,
        state="detected" if rise.fixed is None else "fixed",
        changed=changed,
        kept=None,
        fixed=rise.fixed,
    )


def _digest(changed: Changed) -> bytes:
    """Of its series and first run: two databases that find the same know it by the same."""
    told = json.dumps([*_key(changed.where, changed.unit), changed.first.run])
    return hashlib.sha256(told.encode()).digest()


def _started_at(point: Point) -> datetime:
    return datetime.fromisoformat(point.started_at).replace(tzinfo=UTC)
