"""How long questions take among years of results, and how much room these take.

Each question is asked in a fresh process. Its first answer is not counted: it also waits for the
import of pandas and for the file. The database is made anew, from a seed (`years.py`).
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import harness
from tests.benchmarks.memory import peak_bytes
from tests.benchmarks.process import done
from tests.benchmarks.report import Figure
from tests.benchmarks.years import Years, fill
from tests.checkout import ROOT
from tests.command import Jaxrig
from tests.postgresql import Server, programs

MILLION = Years()
TENTH = Years(machines=5)
THIRTY = Years(machines=5, samples=30)
MACHINE = 3
CASE = 36

REPEATS = 15
COMMANDS = 7
PAGE = 100

HISTORY_BOUNDS_S = {"SQLite": 0.100, "PostgreSQL": 0.150}
GROWTH_BOUND = 1.3
COMMAND_BOUND_S = 0.7
BYTES_BOUND = 9.0
MEMORY_BOUND_BYTES = 300e6


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A question's rows, what opening took, what each answer took, and the process's peak."""

    rows: int
    opened_s: float
    answers_s: list[float]
    peak_bytes: int

    @property
    def median_s(self) -> float:
        return statistics.median(self.answers_s[1:])


def figures(folder: Path) -> Iterator[Figure]:
    """Of SQLite, and of PostgreSQL where its programs are."""
    urls = {years: f"sqlite:///{folder}/{name}.db" for name, years in _DATABASES.items()}
    for years, url in urls.items():
        fill(url, years)
    yield from _histories("SQLite", urls[MILLION], urls[TENTH])
    yield from _command(folder, urls[MILLION])
    yield _room(folder / "thirty.db")
    found = programs()
    if found is not None:
        with Server(found) as server, server.database() as million, server.database() as tenth:
            fill(million, MILLION)
            fill(tenth, TENTH)
            yield from _histories("PostgreSQL", million, tenth)


_DATABASES = {"million": MILLION, "tenth": TENTH, "thirty": THIRTY}


def _histories(database: str, million: str, tenth: str) -> Iterator[Figure]:
    everywhere = _asked(million)
    count = f"{MILLION.measurements:,} measurements in {database}"
    yield Figure(
        bench=f"history of a case over {MILLION.machines} machines, {count}, opened before",
        value=round(everywhere.median_s, 4),
        unit="s",
        bound=HISTORY_BOUNDS_S[database],
        detail=_detail(everywhere),
    )
    there, before = _asked(million, MACHINE), _asked(tenth, MACHINE)
    yield Figure(
        bench=f"history of a machine's case, {count}, over that of a tenth of them",
        value=round(there.median_s / before.median_s, 3),
        unit="ratio",
        bound=GROWTH_BOUND,
        detail={"million": _detail(there), "tenth": _detail(before)},
    )
    yield Figure(
        bench=f"peak memory of a process that asks for it, {count}",
        value=max(everywhere.peak_bytes, there.peak_bytes),
        unit="bytes",
        bound=MEMORY_BOUND_BYTES,
        detail={"everywhere": everywhere.peak_bytes, "one machine": there.peak_bytes},
    )


def _detail(asked: Asked) -> dict[str, object]:
    return {
        "rows": asked.rows,
        "opened_s": asked.opened_s,
        "first_s": asked.answers_s[0],
        "fastest_s": min(asked.answers_s[1:]),
        "slowest_s": max(asked.answers_s[1:]),
        "median_s": asked.median_s,
        "repeats": len(asked.answers_s) - 1,
    }


def _command(folder: Path, url: str) -> Iterator[Figure]:
    """As a person asks, who is shown a page, and as a script does: the slower of both counts."""
    words = ("history", MILLION.case(CASE), "--db", url)
    formats = {"table": words, "json": (*words, "--format", "json")}
    rows = {"table": PAGE, "json": MILLION.machines * MILLION.nights}
    took_s = {
        name: _took_s(Jaxrig(folder=folder), asked, rows[name]) for name, asked in formats.items()
    }
    peaks = {name: done("harness.cli", *asked).peak_bytes for name, asked in formats.items()}
    yield Figure(
        bench=f"jaxrig history of a case over {MILLION.machines} machines, the slower format",
        value=round(max(map(statistics.median, took_s.values())), 4),
        unit="s",
        bound=COMMAND_BOUND_S,
        detail={"took_s": took_s},
    )
    yield Figure(
        bench="peak memory of this command",
        value=max(peaks.values()),
        unit="bytes",
        bound=MEMORY_BOUND_BYTES,
        detail=dict(peaks),
    )


def _took_s(jaxrig: Jaxrig, words: Sequence[str], rows: int) -> list[float]:
    took_s = []
    for _ in range(COMMANDS):
        start = time.perf_counter()
        asked = jaxrig(*words)
        took_s.append(time.perf_counter() - start)
        assert asked.code == 0, asked.err
        assert asked.out.count("\n") > rows
    return took_s


def _room(file: Path) -> Figure:
    samples = THIRTY.measurements * THIRTY.samples
    return Figure(
        bench=f"room on disk for a sample, {THIRTY.samples} a measurement, everything included",
        value=file.stat().st_size / samples,
        unit="bytes",
        bound=BYTES_BOUND,
        detail={"file_bytes": file.stat().st_size, "samples": samples},
    )


def _asked(url: str, *machine: int) -> Asked:
    words = [sys.executable, "-m", "tests.benchmarks.queries", url, *map(str, machine)]
    asked = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return Asked(**json.loads(asked.stdout))


def main(url: str, *machine: str) -> None:
    """Asks, and writes what `Asked` holds as JSON."""
    wanted = [MILLION.fingerprint(int(index)) for index in machine]
    start = time.perf_counter()
    answers_s, rows = [], 0
    with harness.open(url) as results:
        opened_s = time.perf_counter() - start
        for _ in range(REPEATS + 1):
            start = time.perf_counter()
            if wanted:
                rows = len(results.history(MILLION.case(CASE), machine=wanted[0]))
            else:
                rows = len(results.history(MILLION.case(CASE)))
            answers_s.append(time.perf_counter() - start)
    told = {
        "rows": rows,
        "opened_s": opened_s,
        "answers_s": answers_s,
        "peak_bytes": peak_bytes(),
    }
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
