"""What a database holds of the runs that are asked for, as a report shows it: read at once."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from harness.changes import Changed, Series, series_of_nights, series_of_runs
from harness.explained import explained_in
from harness.linked import counts_as
from harness.lives import nights_of, regressions
from harness.regressions import Regression
from harness.runner.abandoned import is_abandoned
from harness.states import OPEN
from harness.store.abandoned import settled
from harness.store.circumstances import (
    Process,
    read_environments,
    read_failures,
    read_pairings,
    read_processes,
    read_skips,
)
from harness.store.columns import Columns
from harness.store.filters import Filters
from harness.store.listing import checked
from harness.store.overview import read_runs
from harness.store.pairings import Pairing
from harness.store.points import Measured, as_series, read_measured
from harness.store.reader import CEILINGS, Failure, MachineSummary, Reader, Run, Skip


@dataclass(frozen=True, kw_only=True)
class Archive:
    """`runs`: by name, the first that began first. `measured`: by case. `series`: of runs that were
    not measured in turns, and of nights; `changed`: every change of their levels, with all that is
    known to be another there. `regressions`: the newest first, whatever became of them.
    `environments`: by their keys. The others: by run."""

    runs: dict[str, Run]
    measured: Mapping[str, Sequence[Measured]]
    series: Sequence[Series]
    changed: Sequence[Changed]
    regressions: Sequence[Regression]
    machines: Sequence[MachineSummary]
    environments: Mapping[int, Mapping[str, Any]]
    processes: Mapping[str, Sequence[Process]]
    failures: Mapping[str, Sequence[Failure]]
    skips: Mapping[str, Sequence[Skip]]
    pairings: Sequence[Pairing]

    @cached_property
    def counts_as(self) -> Mapping[str, str]:
        """The fingerprint that each machine's results are shown under."""
        return counts_as(self.machines)

    @cached_property
    def machine_names(self) -> Mapping[str, str]:
        """What people call a machine: its host name, and where several have that, its fingerprint
        as well."""
        hosts = Counter(each.name for each in self.machines if not each.same_as)
        return {
            each.machine: each.name if hosts[each.name] < 2 else f"{each.name} ({each.machine[:6]})"
            for each in self.machines
        }

    @cached_property
    def open(self) -> Sequence[Regression]:
        """What takes longer still, the newest first."""
        return [each for each in self.regressions if each.state in OPEN]

    @cached_property
    def changes(self) -> Mapping[str, Sequence[Changed]]:
        """By case: every change of a level, in the order of series and points."""
        found = defaultdict[str, list[Changed]](list)
        for each in self.changed:
            found[each.where["case"]].append(each)
        return found

    @cached_property
    def in_turns(self) -> Mapping[str, Sequence[Pairing]]:
        """By candidate: the pairings that it was measured in."""
        found: dict[str, list[Pairing]] = {}
        for each in self.pairings:
            found.setdefault(each.candidate, []).append(each)
        return found

    @cached_property
    def judged(self) -> Mapping[tuple[str, str, str], Sequence[Pairing]]:
        """By place: what was measured in turns there, and came to a verdict, the oldest first."""
        found = defaultdict[tuple[str, str, str], list[Pairing]](list)
        for run in self.runs.values():
            for each in self.in_turns.get(run.run, ()):
                if each.verdicts:
                    found[self.place_of(run)].append(each)
        return found

    @cached_property
    def latest(self) -> Sequence[Run]:
        """Of each machine, target and isolation the newest run that measured anything, in the order
        of their names; none of ceilings, and none that others were compared with in turns."""
        bases = {each.base for each in self.pairings}
        found: dict[tuple[str, str, str], Run] = {}
        for run in self.runs.values():
            if run.suite != CEILINGS and run.measurements and run.run not in bases:
                found[self.place_of(run)] = run
        return [found[key] for key in sorted(found)]

    def place_of(self, run: Run) -> tuple[str, str, str]:
        """Machine, as people call it, target and isolation."""
        machine = self.counts_as[run.machine]
        return self.machine_names[machine], run.target, run.isolation


def read_archive(url: str, filters: Filters, floor: Callable[[str], float]) -> Archive:
    """`floor`: of a case, the smallest change that matters. Raises `DatabaseFailure`, and
    `UsageError` for names that nothing stored has."""
    with Reader(url) as reader, checked(url, filters) as (connection, names):
        runs = _runs(settled(connection, read_runs(connection, filters), is_abandoned))
        measured = read_measured(connection, filters, names)
        pairings = read_pairings(connection, filters, names)
        apart = as_series(measured, _apart(runs, pairings), names)
        nights = nights_of(connection, filters, names)
        series = [*series_of_runs(apart, floor), *series_of_nights(nights, floor)]
        changed = [each for one in series for each in one.changed()]
        return Archive(
            runs=runs,
            measured=measured,
            series=series,
            changed=list(explained_in(connection, reader, changed)),
            regressions=regressions(url, filters, floor, series),
            machines=reader.machines(),
            environments=read_environments(connection),
            processes=read_processes(connection, filters, names),
            failures=read_failures(connection, filters, names),
            skips=read_skips(connection, filters, names),
            pairings=pairings,
        )


def _apart(runs: Mapping[str, Run], pairings: Sequence[Pairing]) -> Mapping[str, Run]:
    """Those that were not measured in turns."""
    tied = {run for each in pairings for run in (each.base, each.candidate)}
    return {name: run for name, run in runs.items() if name not in tied}


def _runs(columns: Columns) -> dict[str, Run]:
    """`columns`: as `read_runs` gives them, the newest first."""
    rows = [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]
    for row in rows:
        for name in ("started_at", "ended_at"):
            row[name] = _moment(row[name])
    return {row["run"]: Run(**row) for row in reversed(rows)}


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).replace(tzinfo=UTC)
