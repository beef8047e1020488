"""Takes the runs of one database into another.

Nothing is taken in twice: runs, pairings, anchors, regressions and decisions are known by their
UUID, what they share by its content. Each run comes in one transaction, with whatever ties it to
runs that are there already; where a merge ends early, the next one goes on. Nothing that is there
is taken away.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Exists, exists, or_, select
from sqlalchemy.engine import URL

from harness.errors import UsageError
from harness.store.copying import (
    ROWS_AT_ONCE,
    Source,
    SourceFailure,
    Stored,
    Transfer,
    open_source,
    refusals,
    stored,
    take_turn,
)
from harness.store.database import unheard
from harness.store.ledger import add_regression, lock_ledger
from harness.store.models import (
    AnchorRow,
    Base,
    FailureRow,
    ImportRow,
    LaunchRow,
    MachineLinkRow,
    MeasurementRow,
    PairingRow,
    ProfileRow,
    RegressionRow,
    RunRow,
    SkipRow,
    VerdictRow,
)
from harness.store.naming import free_name
from harness.store.reader import IsAbandoned
from harness.store.shared import SharedRows
from harness.store.ties import add_anchor, add_link, add_pairing, is_tied
from harness.store.url import parse, shown
from harness.store.writer import Store


@dataclass(kw_only=True)
class Merged:
    """What came of a merge. `runs`: what those that came, or were there, are called there.
    `running`: runs that are still measured, and were left out. `renamed`: runs whose name another
    one had there, and what they are called there. `unreadable`: what of the source is damaged."""

    runs: list[str] = field(default_factory=list)
    runs_added: int = 0
    runs_known: int = 0
    measurements_added: int = 0
    running: list[str] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)


def merge(
    source: str,
    destination: Store,
    *,
    runs: Collection[str] | None = None,
    say: Callable[[str], None] | None = None,
    is_abandoned: IsAbandoned | None = None,
) -> Merged:
    """Takes in all runs of the database at `source`, or those of these names, with everything that
    belongs to them. `say` hears of each run, and of what cannot be read: that is left out, and the
    rest comes. `is_abandoned`: as of `Reader`; such a run comes as an interrupted one.

    Raises `DatabaseFailure`, of the source `SourceFailure`: where it cannot be opened, has another
    schema or goes away. Raises `UsageError` for a source that is the destination.
    """
    if _same(parse(source), parse(destination.url)):
        raise UsageError(f"{shown(source)} is the database that it would be merged into")
    with open_source(source) as opened:
        merging = _Merging(
            source=opened,
            store=destination,
            wanted=None if runs is None else frozenset(runs),
            say=say or unheard,
            is_abandoned=is_abandoned or _is_not_abandoned,
        )
        merging.take_runs()
        merging.take_pairings()
        merging.take_the_rest()
    return merging.merged


@dataclass(kw_only=True)
class _Merging:
    source: Source
    store: Store
    wanted: frozenset[str] | None
    say: Callable[[str], None]
    is_abandoned: IsAbandoned
    merged: Merged = field(default_factory=Merged)
    ids: set[int] = field(default_factory=set)
    """Of the wanted runs, in the source."""

    def take_runs(self) -> None:
        of = stored(RunRow).c
        for page in self._pages(RunRow, of.uuid, of.name, of.status, of.owner, of.deadline_at):
            wanted = [row for row in page if self.wanted is None or row.name in self.wanted]
            self.ids.update(row.id for row in wanted)
            known = self._known(RunRow, of.name, wanted)
            for row in wanted:
                if row.uuid in known:
                    self._is_there(known[row.uuid])
                elif row.status == "running" and not self.is_abandoned(row.owner, row.deadline_at):
                    self.say(f"{row.name} is still being measured: left out")
                    self.merged.running.append(row.name)
                else:
                    self._try(row.name, partial(self._take_run, row))

    def _is_there(self, name: str) -> None:
        self.merged.runs_known += 1
        self.merged.runs.append(name)

    def _take_run(self, told: Stored) -> None:
        """Its pairings come with it. Where they may be what is damaged, it comes alone: they are
        tried later, one by one."""
        try:
            with self.source.attempt():
                self._tell(told, *self.store.within(partial(self._add_run, told)))
        except SourceFailure:
            if self.source.is_lost:
                raise
            self._tell(told, *self.store.within(partial(self._add_run, told, alone=True)))

    def _add_run(
        self, told: Stored, connection: Connection, shared: SharedRows, *, alone: bool = False
    ) -> tuple[str, int | None]:
        """Its name there, and how many measurements came with it; None where it was there."""
        take_turn(connection)
        transfer, row = self._transfer(connection, shared), self.source.row(RunRow, told.id)
        here = transfer.known(RunRow, row)
        if here is not None:  # another merge was quicker
            return connection.scalars(select(RunRow.name).where(RunRow.id == here)).one(), None
        name = free_name(connection, row.name)
        with refusals(self.source.failure):
            transfer.add(RunRow, row, name=name, status=_ended(row))
            measurements = _add_contents(transfer, row.id)
            for pairing in () if alone else _pairings_of(self.source, row.id):
                add_pairing(transfer, pairing)
        return name, measurements

    def _tell(self, told: Stored, name: str, measurements: int | None) -> None:
        if measurements is None:
            self._is_there(name)
            return
        self.merged.runs.append(name)
        self.merged.runs_added += 1
        self.merged.measurements_added += measurements
        if name == told.name:
            self.say(f"{name}: {measurements} measurements")
        else:
            self.merged.renamed[told.name] = name
            self.say(f"{told.name}: another run has this name there; it is called {name}")

    def take_pairings(self) -> None:
        """Those of runs that were there already, and verdicts that were given since."""
        of = stored(PairingRow).c
        judged = _judged().label("judged")
        for page in self._pages(PairingRow, of.uuid, of.base_run_id, of.candidate_run_id, judged):
            wanted = [row for row in page if self._ties_wanted(row)]
            there = self._known(PairingRow, _judged(), wanted)
            for row in wanted:
                if row.uuid not in there or (row.judged and not there[row.uuid]):
                    self._try(f"pairing {row.uuid}", partial(self._take_pairing, row))

    def _ties_wanted(self, pairing: Stored) -> bool:
        ends = {pairing.base_run_id, pairing.candidate_run_id}
        return self.wanted is None or not ends.isdisjoint(self.ids)

    def _take_pairing(self, row: Stored) -> None:
        def work(connection: Connection, shared: SharedRows) -> None:
            take_turn(connection)
            with refusals(self.source.failure):
                pairing = self.source.row(PairingRow, row.id)
                add_pairing(self._transfer(connection, shared), pairing)

        self.store.within(work)

    def take_the_rest(self) -> None:
        """Anchors that no night came of, bridges between anchors, links of machines, and
        regressions."""
        self._try("anchors", partial(self.store.within, self._add_anchors))
        self._try("links of machines", partial(self.store.within, self._add_links))
        self._try("regressions", partial(self.store.within, self._add_regressions))

    def _add_anchors(self, connection: Connection, shared: SharedRows) -> None:
        take_turn(connection)
        transfer = self._transfer(connection, shared)
        with refusals(self.source.failure):
            for anchor in self.source.rows(AnchorRow):
                if self.wanted is None or is_tied(transfer, anchor):
                    add_anchor(transfer, anchor)

    def _add_links(self, connection: Connection, shared: SharedRows) -> None:
        take_turn(connection)
        transfer = self._transfer(connection, shared)
        with refusals(self.source.failure):
            for link in self.source.rows(MachineLinkRow):
                add_link(transfer, link)

    def _add_regressions(self, connection: Connection, shared: SharedRows) -> None:
        """With their first runs: of those that are not wanted they are left out, too."""
        take_turn(connection)
        lock_ledger(connection)
        transfer = self._transfer(connection, shared)
        with refusals(self.source.failure):
            for row in self.source.rows(RegressionRow):
                if self.wanted is None or row.run in self.wanted:
                    add_regression(transfer, row)

    def _transfer(self, connection: Connection, shared: SharedRows) -> Transfer:
        return Transfer(self.source, connection, shared)

    def _try(self, what: str, take: Callable[[], object]) -> None:
        """Goes on without what is damaged."""
        try:
            with self.source.attempt():
                take()
        except SourceFailure as error:
            self._leave_out(what, error)

    def _leave_out(self, what: str, error: SourceFailure) -> None:
        """Raises it where the whole source went away."""
        if self.source.is_lost:
            raise error
        self.say(f"{what} cannot be read, and is left out: {error}")
        self.merged.unreadable.append(what)

    def _pages(self, model: type[Base], *columns: ColumnElement[Any]) -> Iterator[Sequence[Stored]]:
        """`id` and `columns` of all rows, some hundred at a time."""
        keys = self.source.keys(model)
        for start in range(0, len(keys), ROWS_AT_ONCE):
            yield self._page(model, keys[start : start + ROWS_AT_ONCE], columns)

    def _page(
        self, model: type[Base], keys: Sequence[int], columns: Sequence[ColumnElement[Any]]
    ) -> Sequence[Stored]:
        """Of these rows; where some cannot be read, of the others."""
        try:
            with self.source.attempt():
                return self.source.columns(model, keys, *columns)
        except SourceFailure as error:
            if len(keys) == 1 or self.source.is_lost:
                self._leave_out(f"row {keys[0]} of {model.__tablename__}", error)
                return []
        half = len(keys) // 2
        return [
            row for part in (keys[:half], keys[half:]) for row in self._page(model, part, columns)
        ]

    def _known(
        self, model: type[Base], told: ColumnElement[Any], rows: Sequence[Stored]
    ) -> dict[UUID, Any]:
        """What is `told` of those that are there, by UUID."""
        of = stored(model).c
        query = select(of.uuid, told).where(of.uuid.in_([row.uuid for row in rows]))
        return self.store.within(
            lambda connection, _: {row[0]: row[1] for row in connection.execute(query)}
        )


def _add_contents(transfer: Transfer, run: int) -> int:
    """Everything that belongs to a run of the source which has just been added; the number of
    its measurements."""
    source, measurements = transfer.source, 0
    transfer.add_all(ImportRow, stored(ImportRow).c.run_id == run)
    for launch in source.rows(LaunchRow, stored(LaunchRow).c.run_id == run):
        transfer.add(LaunchRow, launch, status=_ended(launch))
        here = stored(MeasurementRow).c.launch_id == launch.id
        measurements += transfer.add_all(MeasurementRow, here)
        transfer.add_all(ProfileRow, stored(ProfileRow).c.launch_id == launch.id)
        transfer.add_all(SkipRow, stored(SkipRow).c.launch_id == launch.id)
    transfer.add_all(FailureRow, stored(FailureRow).c.run_id == run)
    return measurements


def _pairings_of(source: Source, run: int) -> list[Stored]:
    of = stored(PairingRow).c
    return source.rows(PairingRow, or_(of.base_run_id == run, of.candidate_run_id == run))


def _ended(row: Stored) -> str:
    """The status of a run that comes, or of its launch: nothing goes on in a copy."""
    return "interrupted" if row.status == "running" else str(row.status)


def _is_not_abandoned(_owner: str, _deadline_at: datetime) -> bool:
    """Nobody tells: what is marked as running is taken to be."""
    return False


def _judged() -> Exists:
    """Of a pairing: whether anything was said of it."""
    of = stored(VerdictRow)
    return exists().where(of.c.pairing_id == stored(PairingRow).c.id)


def _same(one: URL, other: URL) -> bool:
    if one.get_backend_name() != other.get_backend_name():
        return False
    if one.get_backend_name() == "sqlite":
        paths = [Path(str(each.database)) for each in (one, other)]
        return all(path.exists() for path in paths) and paths[0].samefile(paths[1])
    places = [(each.host, each.port or 5432, each.database, each.query) for each in (one, other)]
    return places[0] == places[1]
