"""Changes of stored series with what else was another there: software, code, ceilings, noise."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache

from sqlalchemy import Connection

from harness.beside import measured_beside, runs_beside, told_beside
from harness.bottleneck import Incomplete, measured_ceilings
from harness.changes import Changed, Point
from harness.limits import hardware_of_run
from harness.linked import counts_as
from harness.roofline.ceilings import Hardware
from harness.store.reader import CEILINGS, Reader, Run
from harness.store.surroundings import list_surroundings, read_surroundings

_TRIED = 3
"""Runs of ceilings that are read until one is whole."""


def explained(db: str, found: Sequence[Changed]) -> Iterator[Changed]:
    """With what else was another there, which is read of these alone."""
    if not found:
        return
    around = list_surroundings(db, runs_beside(found), measured_beside(found))
    with Reader(db) as reader:
        yield from told_beside(found, around, _Ceilings(reader))


def explained_in(
    connection: Connection, reader: Reader, found: Sequence[Changed]
) -> Iterator[Changed]:
    """As `explained`, of a database that is open."""
    if found:
        around = read_surroundings(connection, runs_beside(found), measured_beside(found))
        yield from told_beside(found, around, _Ceilings(reader))


class _Ceilings:
    """Those of a change's machine and target, of whatever image: nights have another one each."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._hardware = cache(self._read)
        self._runs: dict[tuple[str, ...], list[Run]] = {}
        roots = counts_as(reader.machines())
        for run in reader.runs(suite=CEILINGS):
            place = (roots[run.machine], run.target, run.isolation)
            self._runs.setdefault(place, []).append(run)

    def __call__(self, each: Changed) -> tuple[Hardware, Hardware] | None:
        """The last ones before either point; None where they are not two."""
        before, after = (self._last(each.where, point) for point in (each.last, each.first))
        if before is None or after is None or before == after:
            return None
        one, other = self._hardware(before), self._hardware(after)
        return None if one is None or other is None else (one, other)

    def _last(self, where: Mapping[str, str], point: Point) -> str | None:
        """The run of the newest whole ones that began before that of the point."""
        began = datetime.fromisoformat(point.started_at).replace(tzinfo=UTC)
        there = self._runs.get((where["machine"], where["target"], where["isolation"]), [])
        found = measured_ceilings(run for run in there if run.started_at <= began)[:_TRIED]
        return next((run.run for run in found if self._hardware(run.run) is not None), None)

    def _read(self, run: str) -> Hardware | None:
        try:
            return hardware_of_run(self._reader, self._reader.run(run))[0]
        except Incomplete:
            return None
