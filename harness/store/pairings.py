"""Which runs were measured in turns, and what was said of them then: the listing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import Row, Select, or_, select
from sqlalchemy.orm import aliased

from harness.store.models import PairingRow, RunRow, VerdictRow


@dataclass(frozen=True, kw_only=True)
class StoredVerdict:
    """What was said of one metric of one case; `base`, `effect` in `unit`. See docs/schema.md."""

    case: str
    metric: str
    unit: str
    verdict: str
    ratio: float | None
    low: float | None
    high: float | None
    pairs: int
    base: float | None
    effect: float | None
    remarks: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Pairing:
    """Two runs, by name, and the verdicts in their order; none where it ended before any."""

    base: str
    candidate: str
    rounds: int
    rule: dict[str, Any]
    verdicts: tuple[StoredVerdict, ...]

    @property
    def slower(self) -> tuple[StoredVerdict, ...]:
        """What was slower, and confirmed so."""
        return tuple(each for each in self.verdicts if each.verdict == "slower")


_VERDICT = tuple(StoredVerdict.__dataclass_fields__)


def pairings_query(runs: Select[int]) -> Select[*tuple[Any, ...]]:
    """Those of runs (their rows' ids), on either side: a row a verdict."""
    base, candidate = aliased(RunRow), aliased(RunRow)
    return (
        select(
            PairingRow.id.label("pairing"),
            base.name.label("base_run"),
            candidate.name.label("candidate_run"),
            PairingRow.rounds,
            PairingRow.rule,
            *(getattr(VerdictRow, name) for name in _VERDICT),
        )
        .join(base, PairingRow.base_run_id == base.id)
        .join(candidate, PairingRow.candidate_run_id == candidate.id)
        .outerjoin(VerdictRow, VerdictRow.pairing_id == PairingRow.id)
        .where(or_(PairingRow.base_run_id.in_(runs), PairingRow.candidate_run_id.in_(runs)))
        .order_by(PairingRow.id, VerdictRow.id)
    )


def pairings_of(rows: Sequence[Row[Any]]) -> Iterator[Pairing]:
    """The rows of `pairings_query` as what they stand for."""
    for _, group in groupby(rows, lambda row: row.pairing):
        found = list(group)
        yield Pairing(
            base=found[0].base_run,
            candidate=found[0].candidate_run,
            rounds=found[0].rounds,
            rule=found[0].rule,
            verdicts=tuple(_verdict(row) for row in found if row.case is not None),
        )


def _verdict(row: Row[Any]) -> StoredVerdict:
    values = {name: getattr(row, name) for name in _VERDICT}
    return StoredVerdict(**values | {"remarks": tuple(row.remarks)})
