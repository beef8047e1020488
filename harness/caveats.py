"""What a reader of a comparison must know beside its verdicts."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.compare import CaseComparison, Side
    from harness.spread import Spread

_SHORT_S = 3600.0
"""Runs that lie no further apart than the history reaches, and this, need no warning of drift."""

_ENDED = {"failed": "failed in part", "interrupted": "was interrupted", "running": "is not over"}


def caveats_of(
    base: "Side",
    candidate: "Side",
    cases: "Sequence[CaseComparison]",
    spreads: "Sequence[Spread]",
) -> Iterator[str]:
    """Runs that did not end well, cases on one side only, and a drift that history cannot know."""
    for side, name in ((base, "base"), (candidate, "candidate")):
        yield from _state(side, name)
    for presence, where in (("removed", "the base"), ("added", "the candidate")):
        names = [each.case for each in cases if each.presence == presence]
        if names:
            yield f"{len(names)} case(s) only in {where}: {', '.join(names)}"
    if any(each.low is not None for each in cases):
        yield from _drift(base, candidate, spreads)


def _state(side: "Side", name: str) -> Iterator[str]:
    run = side.run
    if run.status != "done":
        yield (
            f"the {name} {_ENDED[run.status]}: {run.failures} failure(s), {run.measurements} "
            f"measurement(s); see `jaxrig show {run.run}`"
        )
    for pairing in side.pairings:
        other = pairing.candidate if pairing.base == run.run else pairing.base
        yield f"the {name} was measured in turns with {other}: unlike a run by itself"


def _drift(base: "Side", candidate: "Side", spreads: "Sequence[Spread]") -> Iterator[str]:
    gap_s = abs((candidate.run.started_at - base.run.started_at).total_seconds())
    span_s = min(each.span_s for each in spreads)
    if gap_s > span_s + _SHORT_S:
        yield (
            f"the runs lie {_time(gap_s)} apart, and nothing stayed unchanged for longer than "
            f"{_time(span_s)}: a drift slower than that is not in the spread"
        )


def _time(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
