"""The ledger of regressions: those that were kept, when they were announced, and every decision.

`harness.regressions` holds it against what the series show. Nothing is ever struck out.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self, TypeVar
from uuid import UUID

from sqlalchemy import Connection, Row, Table, func, insert, literal, select, text, update

from harness.store.copying import Stored, Transfer, stored
from harness.store.database import open_for_writing, unheard
from harness.store.filters import Filters, machines_named, matches
from harness.store.identity import new_uuid
from harness.store.listing import checked
from harness.store.models import Base, DecisionRow, MachineRow, RegressionRow, RunRow
from harness.store.names import Names, read_names
from harness.store.naming import free_name
from harness.store.retry import Transactions

if TYPE_CHECKING:
    from harness.regressions import Regression

T = TypeVar("T")

_NOTED = ("announced_at", "fixed_at")
"""Columns of a regression that are filled in later."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """`state`: `acknowledged`, `ignored`, or `detected`, which takes the one before back."""

    state: str
    reason: str
    who: str
    decided_at: datetime


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A regression as it was when it was first kept. `where`: as of a `Series`, with what its
    machine counts as today. `run`, `started_at`: of the first run after the change. `fixed_at`:
    when the first run began after the one that took it back, as far as that was noted.
    `decisions`: the newest, which holds, is the last."""

    name: str
    uuid: UUID
    where: Mapping[str, str]
    unit: str
    run: str
    started_at: datetime
    ratio: float
    found_at: datetime
    announced_at: datetime | None
    fixed_at: datetime | None
    decisions: tuple[Decision, ...]


def list_kept(url: str, filters: Filters) -> tuple[Kept, ...]:
    """Of these cases, this machine, target and isolation. Raises as `listing.list_series`."""
    with checked(url, filters) as (connection, names):
        return read_kept(connection, names, filters)


class Ledger:
    """Opens it to write; an older schema is upgraded, no database is made. Raises
    `DatabaseFailure`."""

    def __init__(self, url: str, say: Callable[[str], None] | None = None) -> None:
        """`say` hears of an upgrade, and of a server that is waited for."""
        engine = open_for_writing(url, say, make=False)
        self._transactions = Transactions(engine, url, say or unheard)

    def write(self, work: Callable[["Entries"], T]) -> T:
        """`work` in one transaction, in which nobody else writes into the ledger; it may be called
        more than once, and is committed once."""

        def locked(connection: Connection) -> T:
            lock_ledger(connection)
            return work(Entries(connection))

        return self._transactions.run(locked)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._transactions.close()


class Entries:
    """What the ledger holds, within a transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._now = datetime.now(UTC)

    def kept(self, filters: Filters) -> tuple[Kept, ...]:
        """As `list_kept`."""
        return read_kept(self._connection, read_names(self._connection), filters)

    def add(self, found: Iterable["Regression"]) -> None:
        """Keeps regressions that are not kept yet, under their names, or where another one has that
        under the next free one."""
        for each in found:
            values = {
                "uuid": each.uuid,
                "name": free_name(self._connection, each.name, of=RegressionRow.__tablename__),
                **{name: each.where[name] for name in ("case", "target", "isolation")},
                "machine_id": self._machine(each.where["machine"]),
                "unit": each.unit,
                "run": each.run,
                "run_started_at": each.started_at,
                "ratio": each.ratio,
                "found_at": self._now,
            }
            self._connection.execute(insert(_table(RegressionRow)).values(values))

    def note_fixes(self, found: Iterable["Regression"]) -> None:
        """Of kept ones that their series show: what took them back, or that nothing did."""
        for each in found:
            if each.kept is not None and each.changed and each.fixed_at != each.kept.fixed_at:
                self._change([each.uuid], fixed_at=each.fixed_at)

    def announce(self, uuids: Collection[UUID]) -> None:
        """Marks them as announced now."""
        self._change(uuids, announced_at=self._now)

    def decide(self, uuids: Collection[UUID], *, state: str, reason: str, who: str) -> None:
        """Adds a decision on each."""
        keys = select(RegressionRow.id).where(RegressionRow.uuid.in_(uuids))
        for key in self._connection.execute(keys).scalars().all():
            values = {
                "uuid": new_uuid(self._now),
                "regression_id": key,
                "state": state,
                "reason": reason,
                "who": who,
                "decided_at": self._now,
            }
            self._connection.execute(insert(_table(DecisionRow)).values(values))

    def _change(self, uuids: Collection[UUID], **values: datetime | None) -> None:
        chosen = RegressionRow.uuid.in_(uuids)
        self._connection.execute(update(_table(RegressionRow)).where(chosen).values(values))

    def _machine(self, fingerprint: str) -> int:
        query = select(MachineRow.id).where(MachineRow.fingerprint == fingerprint)
        return self._connection.execute(query).scalar_one()


def lock_ledger(connection: Connection) -> None:
    """Lets one transaction at a time write into it: two that see nothing of each other would both
    announce the same. SQLite's writers take turns anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE regressions IN SHARE ROW EXCLUSIVE MODE"))


def add_regression(transfer: Transfer, row: Stored) -> None:
    """One on its way into another database, with the decisions that are not there yet. Of one that
    is there, it is noted when it was announced and fixed, unless that is known."""
    here = transfer.known(RegressionRow, row)
    if here is None:
        name = free_name(transfer.connection, row.name, of=RegressionRow.__tablename__)
        here = transfer.add(RegressionRow, row, name=name, run=_run_there(transfer, row.run))
    else:
        of = stored(RegressionRow)
        told = {name: literal(row._mapping[name], of.c[name].type) for name in _NOTED}
        known = {name: func.coalesce(of.c[name], each) for name, each in told.items()}
        transfer.connection.execute(update(of).where(of.c.id == here).values(known))
    decisions = stored(DecisionRow).c.regression_id == row.id
    for decision in transfer.source.rows(DecisionRow, decisions):
        if transfer.known(DecisionRow, decision) is None:
            transfer.add(DecisionRow, decision)


def _run_there(transfer: Transfer, name: str) -> str:
    """What a run of the source is called there; its own name where it is in neither any more."""
    for run in transfer.source.rows(RunRow, stored(RunRow).c.name == name):
        here = transfer.known(RunRow, run)
        if here is not None:
            of = stored(RunRow).c
            return str(transfer.connection.scalars(select(of.name).where(of.id == here)).one())
    return name


def read_kept(connection: Connection, names: Names, filters: Filters) -> tuple[Kept, ...]:
    """As `list_kept`, of names that are there."""
    decisions = _decisions(connection)
    machines = None if filters.machine is None else machines_named(filters.machine, names)
    rows = connection.execute(select(_table(RegressionRow)).order_by(RegressionRow.id)).all()
    return tuple(
        _as_kept(row, names, decisions[row.id])
        for row in rows
        if (machines is None or row.machine_id in machines)
        and (not filters.cases or matches(row.case, filters.cases))
        and filters.target in (None, row.target)
        and filters.isolation in (None, row.isolation)
    )


def _as_kept(row: Row[Any], names: Names, decisions: Iterable[Decision]) -> Kept:
    machine = names.machines[row.machine_id].counts_as
    host_names = {each.fingerprint: each.name for each in names.machines.values()}
    return Kept(
        name=row.name,
        uuid=row.uuid,
        where={
            "case": row.case,
            "machine": machine,
            "machine_name": host_names[machine],
            "target": row.target,
            "isolation": row.isolation,
        },
        unit=row.unit,
        run=row.run,
        started_at=row.run_started_at,
        ratio=row.ratio,
        found_at=row.found_at,
        announced_at=row.announced_at,
        fixed_at=row.fixed_at,
        decisions=tuple(decisions),
    )


def _decisions(connection: Connection) -> Mapping[int, list[Decision]]:
    """By the regression's row, the oldest first."""
    of = _table(DecisionRow).c
    found: dict[int, list[Decision]] = defaultdict(list)
    query = select(of.regression_id, of.state, of.reason, of.who, of.decided_at)
    for key, *told in connection.execute(query.order_by(of.decided_at, of.uuid)):
        state, reason, who, decided_at = told
        found[key].append(Decision(state=state, reason=reason, who=who, decided_at=decided_at))
    return found


def _table(model: type[Base]) -> Table:
    return model.metadata.tables[model.__tablename__]
