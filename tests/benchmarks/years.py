"""Years of results: a database of as many measurements as benchmarks and tests want.

What is measured is made up, as the same seed makes it again: each sample is the difference of two
readings of `time.perf_counter` on a machine that has been up for 3.5 days, as real ones are.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import JSON, Connection, Table, func, insert, select, text

from harness.store.database import open_for_writing
from harness.store.identity import uuid7_of
from harness.store.models import Base
from harness.store.packing import pack
from harness.store.shared import digest_of

BEGAN = datetime(2024, 1, 1, 2, 0, tzinfo=UTC)
_UPTIME_NS = 300_000_000_000_000
_NIGHTS_AN_IMAGE = 10

Rows = list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Years:
    """Runs of one launch each: machines × targets × nights. Each measures every case."""

    machines: int = 50
    targets: int = 4
    cases: int = 100
    nights: int = 50
    samples: int = 20
    seed: int = 1

    @property
    def measurements(self) -> int:
        return self.machines * self.targets * self.nights * self.cases

    def case(self, index: int) -> str:
        sizes = ("nano", "micro", "mini", "small", "medium")
        phases = ("forward", "train", "prefill", "decode")
        size, phase = sizes[index % 5], phases[index // 5 % 4]
        return f"transformer/{size}/{phase}/{('f32', 'bf16')[index // 20 % 2]}/{index:03d}"

    def fingerprint(self, machine: int) -> str:
        return f"{machine + 1:04x}" * 4

    def target(self, index: int) -> str:
        return ("cpu", "cpu-next", "mine", "theirs")[index % 4] + ("" if index < 4 else str(index))


def fill(url: str, years: Years) -> None:
    """Makes the database, a night a transaction. The chunks are small: memory stays bounded."""
    engine = open_for_writing(url)
    put = _copy if engine.dialect.name == "postgresql" else _insert
    with engine.begin() as connection:
        for name, rows in _shared(years):
            put(connection, _table(name), rows)
    generator = np.random.default_rng(years.seed)
    speeds = _speeds(years, generator)
    for night in range(years.nights):
        with engine.begin() as connection:
            for machine in range(years.machines):
                for name, rows in _machine_night(years, generator, speeds, night, machine):
                    put(connection, _table(name), rows)
    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            _move_sequences(connection)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))  # as autovacuum would have done by then
    engine.dispose()


def _shared(years: Years) -> Iterator[tuple[str, Rows]]:
    """What the measurements refer to."""
    yield (
        "machines",
        [
            {
                "id": index + 1,
                "fingerprint": years.fingerprint(index),
                "name": f"node{index:02d}",
                "facts": {"cpu_model": "Testing CPU", "cores": 8, "threads": 16},
                "first_seen_at": BEGAN,
            }
            for index in range(years.machines)
        ],
    )
    images = [
        (target, built)
        for target in range(years.targets)
        for built in range(-(-years.nights // _NIGHTS_AN_IMAGE))
    ]
    yield (
        "images",
        [
            {
                "id": index + 1,
                "digest": f"sha256:{digest_of({'image': index})}",
                "tag": f"jaxrig/{years.target(target)}:{built:012x}",
                "first_seen_at": BEGAN + timedelta(days=built * _NIGHTS_AN_IMAGE),
            }
            for index, (target, built) in enumerate(images)
        ],
    )
    yield "environments", [_environment(index) for index in range(years.targets)]
    names = [years.case(index) for index in range(years.cases)]
    yield "selections", [{"id": 1, "sha256": digest_of({"cases": names}), "cases": names}]
    yield "cases", [_case(index, name) for index, name in enumerate(names)]
    yield (
        "programs",
        [
            _program(target * years.cases + index)
            for target in range(years.targets)
            for index in range(years.cases)
        ],
    )


def _environment(index: int) -> dict[str, Any]:
    facts = {"platform": "cpu", "jax": f"0.{8 + index % 2}.{index}", "python": "3.13.5"}
    return {"id": index + 1, "sha256": digest_of(facts), "facts": facts}


def _case(index: int, name: str) -> dict[str, Any]:
    what = {
        "name": name,
        "workload": "transformer",
        "phase": name.split("/")[2],
        "dtype": name.split("/")[3],
        "parameters": {"layers": 1 + index % 5, "batch": 8, "length": 128},
    }
    return {"id": index + 1, "sha256": digest_of(what), **what}


def _program(index: int) -> dict[str, Any]:
    what = {
        "hlo_sha256": digest_of({"hlo": index}),
        "flops": 1e7 * (1 + index % 97),
        "bytes": 4e5 * (1 + index % 89),
        "storage_bytes": 0.0,
        "link_bytes": 0.0,
        "work_unit": "token",
        "work_count": 1024.0,
        "xla_flops": 0.9e7 * (1 + index % 97),
        "xla_bytes": None,
        "argument_bytes": 4096 * (1 + index % 89),
        "output_bytes": 4096,
        "alias_bytes": 4096,
        "temp_bytes": 1 << 20,
        "numerics_tolerance": 1e-3,
    }
    return {"id": index + 1, "sha256": digest_of(what), **what}


@dataclass(frozen=True, kw_only=True)
class _Speeds:
    """Seconds of a call by case, and factors on it."""

    cases_s: NDArray[np.float64]
    machines: NDArray[np.float64]
    targets: NDArray[np.float64]


def _speeds(years: Years, generator: np.random.Generator) -> _Speeds:
    return _Speeds(
        cases_s=np.geomspace(5e-5, 2e-1, years.cases),
        machines=generator.uniform(0.7, 1.4, years.machines),
        targets=generator.uniform(0.9, 1.1, years.targets),
    )


def _machine_night(
    years: Years, generator: np.random.Generator, speeds: _Speeds, night: int, machine: int
) -> Iterator[tuple[str, Rows]]:
    """A night of one machine: its runs, their launches, and what these measured."""
    places = range(years.targets)
    first = (night * years.machines + machine) * years.targets + 1
    began = [
        BEGAN + timedelta(days=night, minutes=20 * target, seconds=machine) for target in places
    ]
    yield "runs", [_run(years, first + i, night, machine, i, began[i]) for i in places]
    yield "launches", [_launch(first + i, i, began[i], generator) for i in places]
    for target in places:
        typical_s = speeds.cases_s * speeds.machines[machine] * speeds.targets[target]
        yield "measurements", _measured(years, generator, first + target, target, typical_s)


def _run(
    years: Years, run: int, night: int, machine: int, target: int, began: datetime
) -> dict[str, Any]:
    dice = digest_of({"seed": years.seed, "run": run})
    images = -(-years.nights // _NIGHTS_AN_IMAGE)
    return {
        "id": run,
        "uuid": uuid7_of(began, bytes.fromhex(dice[:20])),
        "name": f"{began:%Y%m%d-%H%M%S}-{dice[:6]}",
        "status": "done",
        "target": years.target(target),
        "platform": "cpu",
        "isolation": "container",
        "suite": "standard",
        "selection_id": 1,
        "launches_planned": 1,
        "tags": {"night": str(night)},
        "machine_id": machine + 1,
        "image_id": target * images + night // _NIGHTS_AN_IMAGE + 1,
        "git_commit": digest_of({"night": night})[:40],
        "git_dirty": False,
        "jaxrig_version": "0.1.0",
        "owner": "boot:4026531836:1234:5678",
        "deadline_at": began + timedelta(hours=2),
        "started_at": began,
        "ended_at": began + timedelta(minutes=19),
    }


def _launch(
    run: int, target: int, began: datetime, generator: np.random.Generator
) -> dict[str, Any]:
    share, load = generator.uniform(0.0, 0.05), generator.uniform(0.0, 1.0)
    return {
        "id": run,
        "run_id": run,
        "index": 0,
        "part": 0,
        "status": "done",
        "limits": {"cpus": "0-7", "memory_bytes": 1 << 34, "pids": 4096, "tmp_bytes": 1 << 30},
        "env": {"JAX_PLATFORMS": "cpu"},
        "environment_id": target + 1,
        "noise": {"duration_s": 1100.0, "busy_share": share, "load_before": load},
        "exit_code": 0,
        "log": "all went well\n",
        "started_at": began + timedelta(seconds=2),
        "ended_at": began + timedelta(minutes=19),
    }


def _measured(
    years: Years,
    generator: np.random.Generator,
    launch: int,
    target: int,
    typical_s: NDArray[np.float64],
) -> Rows:
    """All cases of one launch."""
    count = years.cases
    samples_s = _samples(generator, typical_s, years.samples)
    medians_s = np.median(samples_s, axis=1)
    stages_s = generator.gamma(4.0, (0.002, 0.004, 0.06, 0.001), (count, 4))
    faults = generator.poisson((30, 0.02, 3, 5), (count, 4))
    peaks = generator.integers(1 << 28, 1 << 30, count) & ~4095
    errors = typical_s * 1e-5
    steals_s = np.where(generator.random(count) < 0.1, generator.integers(1, 9, count) / 100, 0.0)
    timed_s = samples_s.sum(axis=1) * 1.1
    after_s = np.round(np.cumsum(timed_s + stages_s.sum(axis=1)) + 2.0, 6)
    columns: dict[str, Sequence[Any]] = {
        "id": range((launch - 1) * count + 1, launch * count + 1),
        "launch_id": [launch] * count,
        "case_id": range(1, count + 1),
        "program_id": range(target * count + 1, (target + 1) * count + 1),
        "samples_s": [pack(row) for row in samples_s],
        "rounds": [years.samples] * count,
        "median_s": medians_s.tolist(),
        "calls_per_round": [1] * count,
        "trace_s": stages_s[:, 0].tolist(),
        "lower_s": stages_s[:, 1].tolist(),
        "compile_s": stages_s[:, 2].tolist(),
        "first_call_s": stages_s[:, 3].tolist(),
        "peak_rss_bytes": peaks.tolist(),
        "numerics_error": errors.tolist(),
        "minor_faults": faults[:, 0].tolist(),
        "major_faults": faults[:, 1].tolist(),
        "voluntary_switches": faults[:, 2].tolist(),
        "involuntary_switches": faults[:, 3].tolist(),
        "steal_s": steals_s.tolist(),
        "timed_s": timed_s.tolist(),
        "after_s": after_s.tolist(),
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _samples(
    generator: np.random.Generator, typical_s: NDArray[np.float64], samples: int
) -> NDArray[np.float64]:
    """Differences of clock readings, shape (cases, samples): a launch's own layout, then rounds."""
    cases = len(typical_s)
    launch = generator.normal(1.0, 0.02, (cases, 1))
    rounds = generator.gamma(2.0, 0.005, (cases, samples))
    took_ns = np.rint(typical_s[:, None] * (launch + rounds) * 1e9).astype(np.int64)
    ended_ns = _UPTIME_NS + np.cumsum(took_ns + 20_000).reshape(took_ns.shape)
    # As time.perf_counter tells its readings: nanoseconds, as float64 of seconds.
    readings: NDArray[np.float64] = ended_ns * 1e-9 - (ended_ns - took_ns) * 1e-9
    return readings


def _insert(connection: Connection, table: Table, rows: Rows) -> None:
    connection.execute(insert(table), rows)


def _copy(connection: Connection, table: Table, rows: Rows) -> None:
    """PostgreSQL takes rows in bulk through COPY alone."""
    names = list(rows[0])
    of = [table.c[name] for name in names]
    dialect = connection.dialect
    convert = [
        json.dumps if isinstance(column.type, JSON) else column.type.bind_processor(dialect)
        for column in of
    ]
    quoted = ", ".join(f'"{name}"' for name in names)
    driver: Any = connection.connection.driver_connection
    with (
        driver.cursor() as cursor,
        cursor.copy(f"COPY {table.name} ({quoted}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row([x(v) if x else v for x, v in zip(convert, row.values(), strict=True)])


def _move_sequences(connection: Connection) -> None:
    """Rows came with their ids: what is inserted later must begin behind them."""
    for table in Base.metadata.sorted_tables:
        if "id" in table.c and table.c.id.autoincrement and table.name != "commits":
            last = select(func.coalesce(func.max(table.c.id), 0) + 1).scalar_subquery()
            sequence = func.pg_get_serial_sequence(table.name, "id")
            connection.execute(select(func.setval(sequence, last, False)))


def _table(name: str) -> Table:
    return Base.metadata.tables[name]
