"""What cases did on their device, as it was traced; `Reader` answers by it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, bindparam, select

from harness.store.models import CaseRow, LaunchRow, ProfileRow


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What a case did on its device during `calls` calls, which took `wall_s` seconds: `device_s`,
    in which at least one operation ran (None where none was seen), and the longest `operations`,
    `{name, count, seconds}`, whose seconds may overlap."""

    case: str
    launch: int
    calls: int
    wall_s: float
    device_s: float | None
    operations: list[dict[str, Any]]
    other_operations_s: float


def profiles_query() -> Select[*tuple[Any, ...]]:
    """Of a run, whose row is told later as `run`, in order."""
    return (
        select(
            CaseRow.name.label("case"),
            LaunchRow.index.label("launch"),
            ProfileRow.calls,
            ProfileRow.wall_s,
            ProfileRow.device_s,
            ProfileRow.operations,
            ProfileRow.other_operations_s,
        )
        .join(LaunchRow, ProfileRow.launch_id == LaunchRow.id)
        .join(CaseRow, ProfileRow.case_id == CaseRow.id)
        .where(LaunchRow.run_id == bindparam("run"))
        .order_by(ProfileRow.id)
    )


def profiles_of(rows: Sequence[Row[Any]]) -> list[Profile]:
    """Of the rows of `profiles_query`."""
    return [Profile(**row._asdict()) for row in rows]
