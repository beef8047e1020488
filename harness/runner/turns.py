"""Two launches that are alive at once and measure in turns: one works, the other waits.

So both see the same machine: what it does to one within milliseconds it does to the other, and
the ratio of a turn is free of it. Who goes first alternates (ABBA), for the second of two may
find caches and clocks as the first left them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.runner.session import Ending, Session

GO, PASS = b"go\n", b"pass\n"


@dataclass
class _Side:
    """`at`: the case that it waits for; None once it has ended."""

    session: Session
    at: str | None = None

    def advance(self) -> None:
        self.at = self.session.advance()

    def tell(self, token: bytes) -> None:
        """Until it waits again, or ends."""
        self.session.running.write(token)
        self.advance()


def follow_in_turns(
    base: Session, candidate: Session, cases: Sequence[str], *, candidate_first: bool
) -> tuple[Ending, Ending]:
    """Leads both through `cases`, in their order, to their ends.

    A case that only one of them gets to is passed over by the other; of one that is measured, who
    has more rounds takes the rest alone. Where one ends before its
    time the other is ended too: what it would measure alone is of no use. Raises what a sink
    raises, and `EngineUnavailable`.
    """
    sides = (_Side(base), _Side(candidate))
    for side in sides:
        side.advance()
    turn = int(candidate_first)
    while behind := _behind(sides, cases):
        if len(behind) == 1:
            alone, other = behind[0], sides[1 if behind[0] is sides[0] else 0]
            alone.tell(GO if other.session.has_measured(str(alone.at)) else PASS)
            continue
        for side in (sides[turn], sides[1 - turn]):
            side.tell(GO)
        turn = 1 - turn
    for side in sides:
        if side.at is not None:
            side.session.abandon()
    return base.end(), candidate.end()


def _behind(sides: tuple[_Side, _Side], cases: Sequence[str]) -> tuple[_Side, ...]:
    """Those that wait for the earliest case; nobody where one has died, or both are through."""
    if any(side.at is None and not side.session.finished for side in sides):
        return ()
    places = [len(cases) if side.at is None else cases.index(side.at) for side in sides]
    earliest = min(places)
    waiting = zip(sides, places, strict=True)
    return tuple(side for side, place in waiting if place == earliest < len(cases))
