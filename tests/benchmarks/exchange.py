"""Moving results: how fast they are written and taken in, how fast a thousand files are compared,
and how much room a sample takes, beside the tools that they come from.

The files are those that pytest-benchmark would have saved: 1,000 with 50 benchmarks of 50 samples.
"""

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from harness.exchange.foreign import ForeignLaunch, ForeignMachine, ForeignMeasurement, ForeignRun
from harness.exchange.pytest_benchmark import write
from tests.benchmarks.process import Done, done
from tests.benchmarks.report import Figure
from tests.benchmarks.written import clocked
from tests.checkout import ROOT

FILES, BENCHMARKS, SAMPLES = 1000, 50, 50
WRITTEN, WRITTEN_SAMPLES = 3000, 20
COMMANDS, PEERS_COMMANDS = 5, 3

IMPORT_BOUND_S = 20.0
COMPARE_BOUND_S = 0.5
WRITE_BOUND_PER_S = 3000.0
MEMORY_BOUND_BYTES = 300e6
PEERS = ROOT / "tests/benchmarks/verdicts/guest/peers.requirements.txt"
FIRST_ANSWER = "tests.benchmarks.first_answer"


def figures(folder: Path) -> Iterator[Figure]:
    """All of them; what is made for it stays in `folder`."""
    yield from _written(folder)
    storage = folder / "stored"
    runs = [_run(number) for number in range(FILES)]
    _save(runs, storage)
    url = f"sqlite:///{folder}/imported.db"
    taken_in = done("harness.cli", "import", str(storage), "--db", url, "--format", "json")
    yield Figure(
        bench=f"jaxrig import of {FILES} files of pytest-benchmark, {BENCHMARKS} × {SAMPLES}",
        value=round(taken_in.took_s, 2),
        unit="s",
        bound=IMPORT_BOUND_S,
        detail={"files": FILES, "measurements": FILES * BENCHMARKS},
    )
    yield _peak("peak memory of taking these in", taken_in)
    yield from _compared(folder, storage, url)
    yield _room(folder, runs, url)


def _compared(folder: Path, storage: Path, url: str) -> Iterator[Figure]:
    """As a command, from its start to its end, and what it is beside: both write the least and the
    median of each case in each run, the peer as the table that it has. A notebook has its imports
    behind it."""
    rows = FILES * BENCHMARKS
    columns = ("--metric", "min_s", "--metric", "time", "--format", "csv")
    ours = [done("harness.cli", "query", "--db", url, *columns) for _ in range(COMMANDS)]
    words = ("--storage", str(storage), "compare", "--columns=min,median")
    theirs = [done("pytest_benchmark", *words, cwd=folder) for _ in range(PEERS_COMMANDS)]
    for each in (*ours, *theirs):
        assert each.out.count("\n") >= rows
    yield Figure(
        bench=f"all cases of {FILES} files compared by a command: {rows} rows",
        value=round(statistics.median(each.took_s for each in ours), 3),
        unit="s",
        bound=COMPARE_BOUND_S,
        detail={
            "took_s": [each.took_s for each in ours],
            "pytest-benchmark compare": [each.took_s for each in theirs],
        },
    )
    yield _first_answer(url)
    yield _peak("peak memory of comparing them by a command", *ours, peer=theirs[0])


def _first_answer(url: str) -> Figure:
    told = [json.loads(done(FIRST_ANSWER, url).out) for _ in range(COMMANDS)]
    assert {each["rows"] for each in told} == {FILES * BENCHMARKS}
    return Figure(
        bench=f"all cases of {FILES} files in a frame: a process's first answer, imports apart",
        value=round(statistics.median(each["answer_s"] for each in told), 3),
        unit="s",
        bound=COMPARE_BOUND_S,
        detail={name: [each[name] for each in told] for name in ("answer_s", "imports_s")},
    )


def _peak(bench: str, *processes: Done, peer: Done | None = None) -> Figure:
    beside = {} if peer is None else {"pytest-benchmark compare": peer.peak_bytes}
    return Figure(
        bench=bench,
        value=max(each.peak_bytes for each in processes),
        unit="bytes",
        bound=MEMORY_BOUND_BYTES,
        detail={"jaxrig": [each.peak_bytes for each in processes], **beside},
    )


def _written(folder: Path) -> Iterator[Figure]:
    url = f"sqlite:///{folder}/written.db"
    writing = done("tests.benchmarks.written", url, str(WRITTEN), str(WRITTEN_SAMPLES))
    took_s = json.loads(writing.out)["took_s"]
    yield Figure(
        bench="measurements written by one process, each committed",
        value=round(WRITTEN / took_s),
        unit="1/s",
        bound=WRITE_BOUND_PER_S,
        detail={"measurements": WRITTEN, "samples": WRITTEN_SAMPLES, "took_s": took_s},
        better="higher",
    )
    yield _peak("peak memory of writing these", writing)


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
    saved = subprocess.run(
        [venv / "bin/python", script, folder / "peers-files"],
        input=json.dumps(told),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return {who: size / (BENCHMARKS * SAMPLES) for who, size in json.loads(saved.stdout).items()}


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
            samples_s=(samples := tuple(clocked(source, 10 ** (-5 + index / 17), SAMPLES))),
            rounds=SAMPLES,
            median_s=statistics.median(samples),
            calls_per_round=1,
            peak_rss_bytes=None,
            warnings=(),
            summary={},
        )
        for index in range(BENCHMARKS)
    )
    launch = ForeignLaunch(
        measurements=measurements, started_at=started_at, environment={"branch": "main"}
    )
    return ForeignRun(
        format="pytest-benchmark",
        digest=f"{number:064x}",
        started_at=started_at,
        machine=ForeignMachine(name="node", facts={"cpu_model": "C", "threads": 2}),
        commit=f"{number:040x}",
        dirty=False,
        suite="pytest-benchmark:x",
        launches=(launch,),
    )


def _save(runs: Sequence[ForeignRun], storage: Path) -> None:
    """Under the names that pytest-benchmark gives."""
    folder = storage / "Linux-CPython-3.11-64bit"
    folder.mkdir(parents=True)
    for number, run in enumerate(runs, 1):
        text = write(run, run.launches[0]).text
        (folder / f"{number:04}_{run.commit}_20250101_000000.json").write_bytes(text)
