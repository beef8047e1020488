"""Stored runs on their way out, as files of pytest-benchmark."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import UsageError
from harness.exchange import pytest_benchmark
from harness.exchange.bundle import replacing
from harness.exchange.foreign import ForeignLaunch, ForeignMachine, ForeignMeasurement, ForeignRun
from harness.told import count, told

if TYPE_CHECKING:
    import pandas as pd

    from harness.store.reader import Launch, Reader, Run


def write_pytest_benchmark(
    reader: "Reader", runs: Sequence["Run"], folder: Path, *, force: bool
) -> Iterator[tuple[Path, dict[str, str]]]:
    """A file a launch, as pytest-benchmark knows a case once a file: `RUN.json`, or with several
    launches `RUN-0.json` and so on. Yields each, and why which cases are not in it.

    Raises `UsageError` for a file that is there, unless it may be replaced by `force`.
    """
    machines = {each.machine: each for each in reader.machines()}
    for run in runs:
        machine = machines[run.machine]
        foreign = _foreign(
            run,
            ForeignMachine(name=machine.name, facts=machine.facts),
            reader.measurements(run.run),
            reader.launches(run.run),
        )
        for index, launch in enumerate(foreign.launches):
            number = f"-{index}" if len(foreign.launches) > 1 else ""
            path = folder / f"{run.run}{number}.json"
            if path.exists() and not force:
                raise UsageError(f"{path} exists; name another folder, or add --force")
            written = pytest_benchmark.write(foreign, launch)
            with replacing(path) as unfinished:
                unfinished.write_bytes(written.text)
            yield path, written.left_out


def _foreign(
    run: "Run",
    machine: ForeignMachine,
    measurements: "pd.DataFrame",
    launches: "Sequence[Launch]",
) -> ForeignRun:
    first = {launch.launch: launch for launch in reversed(launches)}
    return ForeignRun(
        format="pytest-benchmark",
        digest="",
        started_at=run.started_at,
        machine=machine,
        commit=run.git_commit,
        dirty=run.git_dirty,
        suite=run.suite,
        launches=tuple(
            ForeignLaunch(
                measurements=tuple(_measurement(row) for row in of_launch.to_dict("records")),
                started_at=launch.started_at,
                environment=launch.environment or {},
            )
            for index, launch in sorted(first.items())
            if len(of_launch := measurements[measurements["launch"] == index])
        ),
    )


def _measurement(row: Mapping[Any, Any]) -> ForeignMeasurement:
    samples = told(row["samples_s"])
    return ForeignMeasurement(
        case=row["case"],
        workload=row["workload"],
        parameters=told(row["parameters"]) or {},
        group=told(row["benchmark_group"]),
        options=told(row["benchmark_options"]) or {},
        extra_info=told(row["extra_info"]) or {},
        samples_s=None if samples is None else tuple(samples.tolist()),
        rounds=count(row["rounds"]),
        median_s=row["median_s"],
        calls_per_round=count(row["calls_per_round"]),
    )
