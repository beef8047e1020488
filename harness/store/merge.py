"""Takes the runs of one database into another.

Nothing is taken in twice: runs, pairings and anchors are known by their UUID, what they share by
its content. Each run comes in one transaction, with whatever ties it to runs that are there
already; where a merge ends early, the next one goes on. Nothing that is there is taken away.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from sqlalchemy import Connection, Exists, exists, literal, or_, select
from sqlalchemy.engine import URL

from harness.errors import UsageError
from harness.store.copying import Source, Stored, Transfer, stored
from harness.store.database import database_errors, open_for_reading
from harness.store.models import (
    AnchorRow,
    Base,
    FailureRow,
    ImportRow,
    LaunchRow,
    MachineLinkRow,
    MeasurementRow,
    PairingRow,
    RunRow,
    SkipRow,
    VerdictRow,
)
from harness.store.naming import free_name
from harness.store.shared import SharedRows
from harness.store.ties import add_anchor, add_link, add_pairing
from harness.store.url import parse, shown
from harness.store.writer import Store


@dataclass(kw_only=True)
class Merged:
    """What came of a merge. `running`: runs that are still measured, and were left out.
    `renamed`: runs whose name another one had there, and what they are called there."""

    runs_added: int = 0
    runs_known: int = 0
    measurements_added: int = 0
    running: list[str] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)


def merge(
    source: str,
    destination: Store,
    *,
    runs: Collection[str] | None = None,
    say: Callable[[str], None] | None = None,
) -> Merged:
    """Takes in all runs of the database at `source`, or those of these names, with everything that
    belongs to them. `say` hears of each run.

    Raises `DatabaseFailure`, also for a source with another schema, and `UsageError` for a source
    that is the destination.
    """
    if _same(parse(source), parse(destination.url)):
        raise UsageError(f"{shown(source)} is the database that it would be merged into")
    with _snapshot(source) as connection:
        merging = _Merging(
            source=Source(connection),
            store=destination,
            wanted=None if runs is None else frozenset(runs),
            say=say or (lambda _: None),
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
    merged: Merged = field(default_factory=Merged)

    def take_runs(self) -> None:
        of = stored(RunRow)
        for page in self.source.pages(RunRow, of.c.uuid, of.c.name, of.c.status):
            wanted = [row for row in page if self.wanted is None or row.name in self.wanted]
            known = self._known(RunRow, wanted)
            for row in wanted:
                if row.uuid in known:
                    self.merged.runs_known += 1
                elif row.status == "running":
                    self.say(f"{row.name} is still being measured: left out")
                    self.merged.running.append(row.name)
                else:
                    self._take_run(self.source.row(RunRow, row.id))

    def _take_run(self, row: Stored) -> None:
        def work(connection: Connection, shared: SharedRows) -> tuple[str, int] | None:
            transfer = Transfer(self.source, connection, shared)
            if transfer.known(RunRow, row) is not None:
                return None  # another merge was quicker
            name = free_name(connection, row.name)
            transfer.add(RunRow, row, name=name)
            return name, _add_contents(transfer, row.id)

        done = self.store.within(work)
        if done is None:
            self.merged.runs_known += 1
            return
        name, measurements = done
        self.merged.runs_added += 1
        self.merged.measurements_added += measurements
        if name == row.name:
            self.say(f"{name}: {measurements} measurements")
        else:
            self.merged.renamed[row.name] = name
            self.say(f"{row.name}: another run has this name there; it is called {name}")

    def take_pairings(self) -> None:
        """Those of runs that were there already, and verdicts that were given since."""
        of = stored(PairingRow)
        for page in self.source.pages(PairingRow, of.c.uuid, _judged().label("judged")):
            there = self._known(PairingRow, page)
            for row in page:
                if row.uuid not in there or (row.judged and not there[row.uuid]):
                    self._take_pairing(self.source.row(PairingRow, row.id))

    def _take_pairing(self, row: Stored) -> None:
        self.store.within(
            lambda connection, shared: add_pairing(Transfer(self.source, connection, shared), row)
        )

    def take_the_rest(self) -> None:
        """Anchors that no night came of, bridges between anchors, and links of machines."""

        def work(connection: Connection, shared: SharedRows) -> None:
            transfer = Transfer(self.source, connection, shared)
            for anchor in self.source.rows(AnchorRow):
                if self.wanted is None or transfer.known(AnchorRow, anchor) is not None:
                    add_anchor(transfer, anchor)
            for link in self.source.rows(MachineLinkRow):
                add_link(transfer, link)

        self.store.within(work)

    def _known(self, model: type[Base], rows: Sequence[Stored]) -> dict[UUID, bool]:
        """UUIDs of those that are there; of a pairing, whether it has a verdict."""
        of = stored(model)
        judged = _judged() if model is PairingRow else literal(False)
        query = select(of.c.uuid, judged).where(of.c.uuid.in_([row.uuid for row in rows]))
        return self.store.within(
            lambda connection, _: {uuid: bool(has) for uuid, has in connection.execute(query)}
        )


def _add_contents(transfer: Transfer, run: int) -> int:
    """Everything that belongs to a run of the source which has just been added; the number of
    its measurements."""
    source, measurements = transfer.source, 0
    transfer.add_all(ImportRow, stored(ImportRow).c.run_id == run)
    for launch in source.rows(LaunchRow, stored(LaunchRow).c.run_id == run):
        transfer.add(LaunchRow, launch)
        here = stored(MeasurementRow).c.launch_id == launch.id
        measurements += transfer.add_all(MeasurementRow, here)
        transfer.add_all(SkipRow, stored(SkipRow).c.launch_id == launch.id)
    transfer.add_all(FailureRow, stored(FailureRow).c.run_id == run)
    pairings = stored(PairingRow).c
    either = or_(pairings.base_run_id == run, pairings.candidate_run_id == run)
    for pairing in source.rows(PairingRow, either):
        add_pairing(transfer, pairing)
    return measurements


def _judged() -> Exists:
    """Of a pairing: whether anything was said of it."""
    of = stored(VerdictRow)
    return exists().where(of.c.pairing_id == stored(PairingRow).c.id)


@contextmanager
def _snapshot(url: str) -> Iterator[Connection]:
    """The database as it is now, whatever is written to it meanwhile."""
    engine = open_for_reading(url)
    try:
        with database_errors(url), engine.connect() as connection:
            if engine.dialect.name == "postgresql":
                connection.execution_options(isolation_level="REPEATABLE READ")
            yield connection
    finally:
        engine.dispose()


def _same(one: URL, other: URL) -> bool:
    if one.get_backend_name() != other.get_backend_name():
        return False
    if one.get_backend_name() == "sqlite":
        paths = [Path(str(each.database)) for each in (one, other)]
        return all(path.exists() for path in paths) and paths[0].samefile(paths[1])
    places = [(each.host, each.port or 5432, each.database, each.query) for each in (one, other)]
    return places[0] == places[1]
