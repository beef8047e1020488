"""Moving results: how fast they are written and taken in, how fast a thousand files are compared,
and how much room a sample takes, beside the tools that they come from.

The files are those that pytest-benchmark would have saved: 1,000 with 50 benchmarks of 50 samples.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

import harness
from harness.exchange.foreign import ForeignLaunch, ForeignMachine, ForeignMeasurement, ForeignRun
from harness.exchange.pytest_benchmark import write
from harness.store.writer import Store
from tests.benchmarks.report import Figure
from tests.checkout import ROOT
from tests.harness.history import begin_run
from tests.harness.samples import parsed_measurement

FILES, BENCHMARKS, SAMPLES = 1000, 50, 50
WRITTEN, WRITTEN_SAMPLES = 3000, 20

IMPORT_BOUND_S = 20.0
COMPARE_BOUND_S = 0.5
WRITE_BOUND_PER_S = 3000.0
MEMORY_BOUND_BYTES = 300e6
PEERS = ROOT / "tests/benchmarks/verdicts/guest/peers.requirements.txt"
UPTIME_S = 3e5


@dataclass(frozen=True, kw_only=True)
class Done:
    """A process that has ended well."""

    took_s: float
    peak_bytes: int
    out: str


def figures(folder: Path) -> Iterator[Figure]:
    """All of them; what is made for it stays in `folder`."""
    yield _written(folder)
    storage = folder / "stored"
    runs = [_run(number) for number in range(FILES)]
    _save(runs, storage)
    url = f"sqlite:///{folder}/imported.db"
    taken_in = _process("harness.cli", "import", str(storage), "--db", url, "--format", "json")
    yield Figure(
        bench=f"jaxrig import of {FILES} files of pytest-benchmark, {BENCHMARKS} × {SAMPLES}",
        value=round(taken_in.took_s, 2),
        unit="s",
        bound=IMPORT_BOUND_S,
        detail={"files": FILES, "measurements": FILES * BENCHMARKS},
    )
    compared = _process("tests.benchmarks.exchange", url)
    theirs = _process(
        *("pytest_benchmark", "--storage", str(storage), "compare", "--columns=median"),
        cwd=folder,
    )
    told = json.loads(compared.out)
    yield Figure(
        bench=f"all runs of {FILES} files compared, opening included",
        value=round(told["median_s"], 3),
        unit="s",
        bound=COMPARE_BOUND_S,
        detail=told | {"pytest-benchmark compare, the process": theirs.took_s},
    )
    yield Figure(
        bench="peak memory of taking these in, and of comparing them",
        value=max(taken_in.peak_bytes, compared.peak_bytes),
        unit="bytes",
        bound=MEMORY_BOUND_BYTES,
        detail={
            "import": taken_in.peak_bytes,
            "compare": compared.peak_bytes,
            "pytest-benchmark compare": theirs.peak_bytes,
        },
    )
    yield _room(folder, runs, url)


def _written(folder: Path) -> Figure:
    """Each measurement is a transaction of its own, as in a run."""
    source = np.random.default_rng(2)
    records = [
        parsed_measurement(f"case/{number % 100}", _samples(source, 1e-2, WRITTEN_SAMPLES))
        for number in range(WRITTEN)
    ]
    with Store(f"sqlite:///{folder}/written.db") as store:
        run, _ = begin_run(store)
        launches = [
            store.begin_launch(run, index=index, part=0, limits={}, env={})
            for index in range(WRITTEN // 100)
        ]
        start = time.perf_counter()
        for number, record in enumerate(records):
            store.add_measurement(launches[number // 100], record)
        took_s = time.perf_counter() - start
    return Figure(
        bench="measurements written by one process, each committed",
        value=round(WRITTEN / took_s),
        unit="1/s",
        bound=WRITE_BOUND_PER_S,
        detail={"measurements": WRITTEN, "samples": WRITTEN_SAMPLES, "took_s": took_s},
        better="higher",
    )


def _room(folder: Path, runs: Sequence[ForeignRun], url: str) -> Figure:
    """The same samples in everybody's files."""
    samples = FILES * BENCHMARKS * SAMPLES
    ours = Path(url.removeprefix("sqlite:///")).stat().st_size / samples
    theirs = sum(path.stat().st_size for path in (folder / "stored").rglob("*.json")) / samples
    return Figure(
        bench="room on disk for a sample, over the least of pytest-benchmark, asv and pyperf",
        value=round(ours / min(theirs, *(peers := _peers(folder, runs[0])).values()), 3),
        unit="ratio",
        bound=1.0,
        detail={"jaxrig": ours, "pytest-benchmark": theirs, **peers},
    )


def _peers(folder: Path, run: ForeignRun) -> dict[str, float]:
    """Bytes a sample of one run, as asv and pyperf themselves save it."""
    venv = folder / "peers"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    pip = [str(venv / "bin/python"), "-m", "pip", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--no-deps", "--require-hashes", "-r", PEERS], check=True)
    told = {each.case: each.samples_s for each in run.launches[0].measurements}
    script = Path(__file__).with_name("peers_files.py")
    done = subprocess.run(
        [venv / "bin/python", script, folder / "peers-files"],
        input=json.dumps(told),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return {who: size / (BENCHMARKS * SAMPLES) for who, size in json.loads(done.stdout).items()}


def _run(number: int) -> ForeignRun:
    source = np.random.default_rng(number)
    started_at = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(hours=6 * number)
    measurements = tuple(
        ForeignMeasurement(
            case=f"tests/test_x.py::test_{index}",
            workload=f"tests/test_x.py::test_{index}",
            parameters={},
            group=None,
            options={"disable_gc": False, "timer": "perf_counter", "min_rounds": 5},
            extra_info={},
            samples_s=(samples := tuple(_samples(source, 10 ** (-5 + index / 17), SAMPLES))),
            rounds=SAMPLES,
            median_s=statistics.median(samples),
            calls_per_round=1,
            peak_rss_bytes=None,
            warnings=(),
            summary={},
        )
        for index in range(BENCHMARKS)
    )
    launch = ForeignLaunch(measurements=measurements, started_at=started_at, environment={})
    return ForeignRun(
        format="pytest-benchmark",
        digest=f"{number:064x}",
        started_at=started_at,
        machine=ForeignMachine(name="node", facts={"cpu_model": "C", "threads": 2}),
        commit=f"{number:040x}",
        dirty=False,
        branch="main",
        suite="pytest-benchmark:x",
        tags={},
        launches=(launch,),
        failures=(),
        skips=(),
        unmapped=(),
    )


def _samples(source: np.random.Generator, typical_s: float, count: int) -> list[float]:
    """As a clock tells them on a machine that has been up for three days."""
    lasted = typical_s * (1 + 0.02 * np.abs(source.standard_t(4, size=count)))
    return [float(each) for each in (UPTIME_S + lasted) - UPTIME_S]


def _save(runs: Sequence[ForeignRun], storage: Path) -> None:
    """Under the names that pytest-benchmark gives."""
    folder = storage / "Linux-CPython-3.11-64bit"
    folder.mkdir(parents=True)
    for number, run in enumerate(runs, 1):
        text = write(run, run.launches[0]).text
        (folder / f"{number:04}_{run.commit}_20250101_000000.json").write_bytes(text)


def _process(*words: str, cwd: Path = ROOT) -> Done:
    """`python -m WORDS…`, in a process of its own, which must end well."""
    env = {name: value for name, value in os.environ.items() if name != "JAXRIG_DB"}
    command = [sys.executable, "-m", "tests.benchmarks.memory", *words]
    start = time.perf_counter()
    done = subprocess.run(
        command,
        cwd=cwd,
        env=env | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    took_s = time.perf_counter() - start
    assert done.returncode == 0, done.stderr
    return Done(took_s=took_s, peak_bytes=int(done.stderr.split()[-1]), out=done.stdout)


def main(url: str) -> None:
    """Compares all runs, time after time; how long it took, as JSON."""
    took_s, rows = [], 0
    for _ in range(6):
        start = time.perf_counter()
        with harness.open(url) as results:
            rows = len(results.query("*"))
        took_s.append(time.perf_counter() - start)
    told = {
        "rows": rows,
        "first_s": took_s[0],
        "median_s": statistics.median(took_s[1:]),
    }
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
