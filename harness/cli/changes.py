"""`jaxrig history --changes` and `--levels`."""

import argparse
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, TextIO

from harness.cli.drawing import draw_changes, is_drawn
from harness.cli.pages import page_of
from harness.cli.series import stored_series
from harness.cli.words import saying, show

if TYPE_CHECKING:
    from harness.changes import Changed, Point
    from harness.roofline.ceilings import Hardware
    from harness.store.filters import Filters
    from harness.store.reader import MachineSummary, Reader, Run

_TRIED = 3
"""Runs of ceilings that are read until one is whole."""


def changes(filters: "Filters", arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.report.changes import changes_view

    series = list(stored_series(filters, arguments, saying(err)))
    found, remark = page_of((each for one in series for each in one.changed()), arguments)
    shown = list(explained(arguments.db, list(found)))
    if is_drawn(arguments, out):
        draw_changes(series, shown, out)
    show(changes_view(series, shown), arguments, out)
    if remark is not None:
        saying(err)(remark)
    return 0


def levels(filters: "Filters", arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.report.levels import levels_view

    series = list(stored_series(filters, arguments, saying(err)))
    shown, remark = page_of(series, arguments)
    show(levels_view(series, list(shown)), arguments, out)
    if remark is not None:
        saying(err)(remark)
    return 0


def explained(db: str, found: "list[Changed]") -> "Iterator[Changed]":
    """With what else was another there, which is read of these alone."""
    if not found:
        return
    from harness.beside import measured_beside, runs_beside, told_beside
    from harness.store.reader import Reader
    from harness.store.surroundings import list_surroundings

    around = list_surroundings(db, runs_beside(found), measured_beside(found))
    with Reader(db) as reader:
        yield from told_beside(found, around, _Ceilings(reader))


class _Ceilings:
    """Those of a change's machine and target, of whatever image: nights have another one each."""

    def __init__(self, reader: "Reader") -> None:
        from harness.store.reader import CEILINGS

        self._reader = reader
        self._hardware = cache(self._read)
        self._runs: dict[tuple[str, ...], list[Run]] = {}
        roots = _roots(reader.machines())
        for run in reader.runs(suite=CEILINGS):
            place = (roots[run.machine], run.target, run.isolation)
            self._runs.setdefault(place, []).append(run)

    def __call__(self, each: "Changed") -> "tuple[Hardware, Hardware] | None":
        """The last ones before either point; None where they are not two."""
        before, after = (self._last(each.where, point) for point in (each.last, each.first))
        if before is None or after is None or before == after:
            return None
        one, other = self._hardware(before), self._hardware(after)
        return None if one is None or other is None else (one, other)

    def _last(self, where: Mapping[str, str], point: "Point") -> str | None:
        """The run of the newest whole ones that began before that of the point."""
        from harness.bottleneck import measured_ceilings

        began = datetime.fromisoformat(point.started_at).replace(tzinfo=UTC)
        there = self._runs.get((where["machine"], where["target"], where["isolation"]), [])
        found = measured_ceilings(run for run in there if run.started_at <= began)[:_TRIED]
        return next((run.run for run in found if self._hardware(run.run) is not None), None)

    def _read(self, run: str) -> "Hardware | None":
        from harness.bottleneck import Incomplete
        from harness.cli.bottleneck import hardware_of_run

        try:
            return hardware_of_run(self._reader, self._reader.run(run))[0]
        except Incomplete:
            return None


def _roots(machines: "Iterable[MachineSummary]") -> dict[str, str]:
    """What each machine counts as in the end."""
    links = {each.machine: each.same_as for each in machines}

    def root(machine: str) -> str:
        other = links[machine]
        return machine if other is None else root(other)

    return {machine: root(machine) for machine in links}
