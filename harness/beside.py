"""What else was another where a series changed its level, as far as its points do not know it:
software, compiled code, ceilings, noise. It is told, not blamed."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from statistics import median, quantiles
from typing import TYPE_CHECKING

from harness.changes import Changed, Louder
from harness.roofline.ceilings import Hardware
from harness.roofline.moved import moved

if TYPE_CHECKING:
    from harness.store.surroundings import Surroundings

Differs = Mapping[str, tuple[str | None, str | None]]

CeilingsOf = Callable[[Changed], tuple[Hardware, Hardware] | None]
"""Those that were measured last before either point of a change; None where they are not two."""

LOUDER = 0.02
"""Of all CPUs' time: as much as the smallest change that matters. What took less of it is not why
a case takes so much longer."""

LEAST = 5
"""Runs on either side that tell of their noise: as few points as make a level."""

HLO = "hlo"
"""The name of compiled code in what differs."""


def runs_beside(changed: Iterable[Changed]) -> set[str]:
    """Whose software and noise has to be known."""
    return {run for each in changed for run in (*each.runs_before, *each.runs_after)}


def measured_beside(changed: Iterable[Changed]) -> set[tuple[str, str]]:
    """Runs and cases whose compiled code has to be known."""
    return {
        (point.run, each.where["case"]) for each in changed for point in (each.last, each.first)
    }


def told_beside(
    changed: Iterable[Changed], around: "Surroundings", ceilings: CeilingsOf
) -> Iterator[Changed]:
    """Each with all that is known to be another. `around`: of `runs_beside`, `measured_beside`."""
    for each in changed:
        code = _code(each, around)
        both = ceilings(each)
        yield replace(
            each,
            differs={**each.differs, **_software(each, around), **_other_code(code)},
            same_code=None if None in code else code[0] == code[1],
            ceilings=None if both is None else tuple(moved(*both)),
            noise=_noise(each, around),
        )


def _software(each: Changed, around: "Surroundings") -> Differs:
    before, after = (around.software.get(point.run, {}) for point in (each.last, each.first))
    return {
        name: (before.get(name), after.get(name))
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    }


def _code(each: Changed, around: "Surroundings") -> tuple[str | None, str | None]:
    """Of the last point and of the first. Launches of a run may have compiled it differently."""
    before, after = (
        ", ".join(sorted(around.code.get((point.run, each.where["case"]), ()))) or None
        for point in (each.last, each.first)
    )
    return before, after


def _other_code(code: tuple[str | None, str | None]) -> Differs:
    return {HLO: code} if code[0] != code[1] else {}


def _noise(each: Changed, around: "Surroundings") -> tuple[Louder, ...] | None:
    """The shares that moved: their medians by `LOUDER` or more, and the middle halves of the runs
    before and after do not touch, so that it is more than what they scatter."""
    sides = [
        [around.shares.get(run, {}) for run in runs] for runs in (each.runs_before, each.runs_after)
    ]
    names = sorted({name for side in sides for shares in side for name in shares})
    told = {name: [[x[name] for x in side if name in x] for side in sides] for name in names}
    known = {name: both for name, both in told.items() if min(map(len, both)) >= LEAST}
    if not known:
        return None
    return tuple(
        Louder(share=name, before=median(before), after=median(after))
        for name, (before, after) in known.items()
        if _are_apart(before, after)
    )


def _are_apart(before: Sequence[float], after: Sequence[float]) -> bool:
    (low, _, high), (other_low, _, other_high) = (quantiles(side) for side in (before, after))
    far = abs(median(after) - median(before)) >= LOUDER
    return far and (high < other_low or other_high < low)
