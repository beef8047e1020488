"""What was measured over time: a row a case, machine, target and run, column by column.

Measurements and runs are read apart and joined by their numbers. Without pandas and NumPy, which
take longer to import than a case's history takes to read.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from statistics import median
from typing import Any

from sqlalchemy import JSON, ColumnElement, Connection, Select, Text, cast, column, select

from harness.store import filters as conditions
from harness.store.columns import Columns, by_id, columns_of, order, taken, told_later
from harness.store.filters import Filters
from harness.store.groups import Groups, grouped
from harness.store.metrics import Metric
from harness.store.names import Names
from harness.store.tables import LAUNCHES, MEASUREMENTS, PROGRAMS, RUNS

BEFORE = ("case", "machine", "machine_name", "target", "run", "started_at", "launches")
AFTER = ("image", "jax", "git_commit", "suite", "status", "isolation")
"""The columns before the metrics' and behind them."""

_FIRST_BATCH = 8
_LARGEST_BATCH = 512
"""Runs. A page takes few; more at once would be no faster, but take more memory."""

_AS_STORED = ("target", "git_commit", "suite", "status", "isolation")
_TOLD = (
    cast(RUNS.c.started_at, Text),
    *(RUNS.c[name] for name in ("id", "name", "machine_id", "image_id", *_AS_STORED)),
)
"""Of runs."""


def read_series(
    connection: Connection, filters: Filters, names: Names, metrics: Sequence[Metric]
) -> Columns:
    """Ordered by case, machine, target and start.

    `started_at` is text (UTC, ISO 8601 with a space). A metric that no launch tells is None. Where
    one counts work, there is its `work_unit` as well. `status` is as it is marked; `settled` tells
    who is gone.
    """
    of_measurements = conditions.measured(filters, names, connection.dialect.name)
    return _series(connection, of_measurements, names, metrics)


def read_newest(
    connection: Connection,
    filters: Filters,
    names: Names,
    metrics: Sequence[Metric],
    first: int = _FIRST_BATCH,
) -> Iterator[Columns]:
    """The same rows in batches of whole runs, the newest run first. Of nothing there is none.
    `first`: runs of the first batch."""
    dialect = connection.dialect.name
    newest = (
        select(RUNS.c.id)
        .where(*conditions.runs(filters, names, dialect))
        .order_by(RUNS.c.started_at.desc(), RUNS.c.id.desc())
    )
    ids = iter(connection.execute(newest).scalars())
    size = first
    while batch := list(islice(ids, size)):
        yield _batch(connection, filters, names, metrics, batch)
        size = min(4 * size, _LARGEST_BATCH)


def measured_query(
    of_measurements: Iterable[ColumnElement[bool]], reads: Iterable[ColumnElement[Any]] = ()
) -> Select[*tuple[Any, ...]]:
    """A row a launch and case: case, run, environment, `median_s`, and what else is read."""
    return (
        select(
            MEASUREMENTS.c.case_id,
            LAUNCHES.c.run_id,
            LAUNCHES.c.environment_id,
            MEASUREMENTS.c.median_s,
            *reads,
        )
        .join(LAUNCHES, LAUNCHES.c.id == MEASUREMENTS.c.launch_id)
        .where(*of_measurements)
    )


def launched_by(runs: str) -> ColumnElement[bool]:
    """Of measurements: in launches of runs whose rows are told later, under that name."""
    launch = LAUNCHES.alias("chosen")
    launches = select(launch.c.id).where(told_later(launch.c.run_id, runs))
    return MEASUREMENTS.c.launch_id.in_(launches)


def _batch(
    connection: Connection,
    filters: Filters,
    names: Names,
    metrics: Sequence[Metric],
    runs: Collection[int],
) -> Columns:
    of_measurements = conditions.measured(filters, names, connection.dialect.name, runs)
    series = _series(connection, of_measurements, names, metrics)
    return taken(series, order(series["started_at"], descending=True))


def _series(
    connection: Connection,
    of_measurements: Iterable[ColumnElement[bool]],
    names: Names,
    metrics: Sequence[Metric],
) -> Columns:
    own = tuple(dict.fromkeys(name for metric in metrics for name in metric.reads))
    counted = {name for metric in metrics for name in metric.program}
    if counted:
        counted |= {"work_unit", "work_count"}
    reads = [_own(name) for name in own] + [MEASUREMENTS.c.program_id] * bool(counted)
    result = connection.execute(measured_query(of_measurements, reads))
    cases, run_ids, environments, medians_s, *rest = columns_of(result)
    facts = dict(zip(own, rest, strict=False)) | {"median_s": medians_s}
    runs = _Runs(connection, set(run_ids), names)
    keys = _keys([names.cases[case] for case in cases], run_ids, runs.places())
    groups = grouped(keys)
    if counted:
        facts |= _of_programs(connection, rest[-1], sorted(counted))
        facts["work_unit"] = _units(keys, facts["work_unit"], facts["work_count"])
    found = runs.told(groups.first(run_ids))
    found["case"] = [names.cases[case] for case in groups.first(cases)]
    found["launches"] = groups.sizes()
    found["jax"] = [names.jax.get(environment) for environment in groups.first(environments)]
    if counted:
        found["work_unit"] = groups.first(facts["work_unit"])
    for metric in metrics:
        found[metric.column] = _told(metric, facts, groups)
    units = ("work_unit",) if counted else ()
    told = (*BEFORE, *(metric.column for metric in metrics), *units, *AFTER)
    return {name: found[name] for name in told}


def _own(name: str) -> ColumnElement[Any]:
    return column(name, JSON) if name == "summary" else MEASUREMENTS.c[name]


def _of_programs(
    connection: Connection, ids: Sequence[int | None], columns: Sequence[str]
) -> dict[str, list[Any]]:
    """What the measurements' programs say, a value a measurement."""
    wanted = [PROGRAMS.c.id, *(PROGRAMS.c[name] for name in columns)]
    known, *rest = by_id(connection, PROGRAMS, wanted, {key for key in ids if key is not None})
    places = {key: place for place, key in enumerate(known)}
    return {
        name: [None if key is None else values[places[key]] for key in ids]
        for name, values in zip(columns, rest, strict=True)
    }


def _keys(cases: Sequence[str], run_ids: Sequence[int], places: Mapping[int, int]) -> list[int]:
    """Equal for launches of one case and run, in the order of cases, then of runs' places."""
    ranks = {name: rank * len(places) for rank, name in enumerate(sorted(set(cases)))}
    return [ranks[case] + places[run] for case, run in zip(cases, run_ids, strict=True)]


def _units(
    keys: Sequence[int], units: Sequence[str | None], counts: Sequence[float | None]
) -> list[str | None]:
    """What is counted of a case in a run, for each of its launches: some may not tell, and no
    launch's FLOP go into a median of others' work."""
    counted = zip(keys, units, counts, strict=True)
    told = {key: unit for key, unit, count in counted if count is not None}
    return [told.get(key) for key in keys]


def _told(metric: Metric, facts: Mapping[str, Sequence[Any]], groups: Groups) -> list[float | None]:
    read = [facts[name] for name in (*metric.reads, *metric.program)]
    found = groups.over(list(map(metric.value, *read)), metric.over)
    if not metric.a_second:
        return found
    times_s = groups.over(facts["median_s"], median)
    return [
        None if work is None or time_s is None else work / time_s
        for work, time_s in zip(found, times_s, strict=True)
    ]


class _Runs:
    """The runs that were measured in, by their rows' ids."""

    def __init__(self, connection: Connection, ids: Collection[int], names: Names) -> None:
        read = by_id(connection, RUNS, _TOLD, ids)
        self._started_at, self._ids, self._names, machines, images, *stored = read
        self._as_stored = dict(zip(_AS_STORED, stored, strict=True))
        digests = {key: image.digest for key, image in names.images.items()}
        self._images = [digests.get(key) for key in images]
        self._machines = [names.machines[key].counts_as for key in machines]
        self._host_names = {each.fingerprint: each.name for each in names.machines.values()}
        self._places = {key: place for place, key in enumerate(self._ids)}

    def places(self) -> dict[int, int]:
        """Where each comes in the order of machine, target and start."""
        rows: Sequence[int] = range(len(self._ids))
        for values in (self._started_at, self._as_stored["target"], self._machines):
            rows = sorted(rows, key=values.__getitem__)
        return {self._ids[row]: place for place, row in enumerate(rows)}

    def told(self, ids: Sequence[int]) -> Columns:
        """The series' columns that are the run's, a value for each of these ids."""
        machines = self._machines
        columns = {
            "machine": machines,
            "machine_name": [self._host_names[machine] for machine in machines],
            "run": self._names,
            "started_at": self._started_at,
            "image": self._images,
            **self._as_stored,
        }
        return taken(columns, [self._places[key] for key in ids])
