"""pyperf's JSON. One file is one run; each worker process is a launch of its own.

https://pyperf.readthedocs.io/en/latest/api.html#json-format
"""

import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from harness.exchange.cleaned import (
    architecture_in,
    case_name,
    facts,
    hardware,
    moment,
    printable,
)
from harness.exchange.foreign import ForeignLaunch, ForeignMachine, ForeignMeasurement, ForeignRun
from harness.exchange.kept import Kept
from harness.exchange.reading import Document, Samples, Told, part
from harness.exchange.unmapped import Unmapped

VERSION = "1.0"

_SECOND = "second"
# Of https://pyperf.readthedocs.io/en/latest/metadata.html what lasts, as against a clock or a load.
_ENVIRONMENT = frozenset(
    {
        "aslr",
        "cpu_affinity",
        "cpu_config",
        "cpu_quota",
        "perf_version",
        "platform",
        "python_cflags",
        "python_compiler",
        "python_config_args",
        "python_executable",
        "python_gc",
        "python_hash_seed",
        "python_implementation",
        "python_jit",
        "python_version",
        "timer",
    }
)

_Many = Annotated[int, Field(ge=1, lt=2**31)]


class _Metadata(Told):
    """What is placed of the metadata of a file, a benchmark and a process, taken together."""

    name: str
    unit: str = _SECOND
    date: str | None = None
    hostname: str | None = None
    cpu_model_name: str | None = None
    cpu_machine: str | None = None
    cpu_count: int | None = None
    platform: str | None = None
    mem_max_rss: Annotated[int, Field(ge=0, lt=2**63)] | None = None
    loops: _Many = 1
    inner_loops: _Many = 1


class _Process(Told):
    metadata: dict[str, Any] = Field(default_factory=dict)
    values: list[Any] = Field(default_factory=list)
    warmups: list[Any] = Field(default_factory=list)


class _Values(Told):
    """Seconds a call: pyperf has divided them by the loops."""

    values: Samples


class _Benchmark(Told):
    metadata: dict[str, Any] = Field(default_factory=dict)
    runs: list[_Process]


class _File(Told):
    version: str
    metadata: dict[str, Any] = Field(default_factory=dict)
    benchmarks: list[_Benchmark]


@dataclass(frozen=True, kw_only=True)
class _Worker:
    """A process that measured one benchmark."""

    metadata: _Metadata
    environment: dict[str, Any]
    measurement: ForeignMeasurement
    started_at: datetime | None


def read(found: Document) -> ForeignRun:
    """The run in a file. Raises `ValueError` where it does not fit."""
    file = part(_File, found.content, "")
    if file.version != VERSION:
        raise ValueError(f"version: {file.version!r}; of pyperf's {VERSION} is read")
    unmapped, odd = Unmapped(), Kept()
    benchmarks = list[list[_Worker]]()
    for index, benchmark in enumerate(file.benchmarks):
        with odd.apart({**file.metadata, **benchmark.metadata}.get("name")):
            benchmarks.append(list(_workers(file, index, unmapped)))
    if odd.failures and not any(benchmarks):
        raise ValueError(odd.failures[0][1])
    launches = tuple(_launches(benchmarks, odd, unmapped))
    unmapped.extras("", file.extras)
    return ForeignRun(
        format="pyperf",
        digest=found.digest,
        started_at=min((each.started_at for each in launches if each.started_at), default=None),
        machine=_machine(next((each[0].metadata for each in benchmarks if each), None)),
        suite="pyperf",
        launches=launches,
        failures=odd.failures,
        unmapped=unmapped.names,
    )


def _workers(file: _File, index: int, unmapped: Unmapped) -> Iterator[_Worker]:
    """The processes of a benchmark that have values, in order."""
    benchmark, where = file.benchmarks[index], f"benchmarks[{index}]"
    unmapped.extras("benchmarks[]", benchmark.extras)
    for number, process in enumerate(benchmark.runs):
        told = f"{where}.runs[{number}]"
        unmapped.extras("benchmarks[].runs[]", process.extras)
        if process.warmups:
            unmapped.add("benchmarks[].runs[].warmups")
        if not process.values:
            unmapped.add("benchmarks[].runs[]", "calibration, without values")
            continue
        everything = {**file.metadata, **benchmark.metadata, **process.metadata}
        metadata = part(_Metadata, everything, f"{told}.metadata")
        if metadata.unit != _SECOND:
            unmapped.add(f"benchmarks.{metadata.name}", f"in {metadata.unit}, not in seconds")
            return
        yield _worker(metadata, everything, process, told, unmapped)


def _worker(
    metadata: _Metadata,
    everything: Mapping[str, Any],
    process: _Process,
    where: str,
    unmapped: Unmapped,
) -> _Worker:
    warnings = list[str]()
    case = case_name(metadata.name, warnings)
    samples = tuple(part(_Values, {"values": process.values}, where).values)
    others = {key: everything[key] for key in sorted(metadata.extras.keys() - _ENVIRONMENT)}
    return _Worker(
        metadata=metadata,
        environment=_environment(everything, warnings),
        started_at=_started_at(metadata, f"{where}.metadata.date", unmapped),
        measurement=ForeignMeasurement(
            case=case,
            workload=case,
            parameters={},
            options={"loops": metadata.loops, "inner_loops": metadata.inner_loops},
            extra_info=facts(others, "metadata", warnings),
            samples_s=samples,
            rounds=len(samples),
            median_s=statistics.median(samples),
            calls_per_round=metadata.loops * metadata.inner_loops,
            peak_rss_bytes=metadata.mem_max_rss,
            warnings=tuple(warnings),
        ),
    )


def _started_at(metadata: _Metadata, where: str, unmapped: Unmapped) -> datetime | None:
    if metadata.date is None:
        return None
    when, zoned = moment(metadata.date, where)
    if not zoned:
        unmapped.add("metadata.date", "the zone is not told; taken as UTC")
    return when


def _environment(told: Mapping[str, Any], warnings: list[str]) -> dict[str, Any]:
    lasting = {key: told[key] for key in sorted(_ENVIRONMENT & told.keys())}
    python, pyperf = lasting.pop("python_version", None), lasting.pop("perf_version", None)
    known = {"python": python, "packages": {"pyperf": pyperf} if pyperf else None}
    named = {key: value for key, value in known.items() if value is not None}
    return facts(named | lasting, "metadata", warnings)


def _launches(
    benchmarks: list[list[_Worker]], odd: Kept, unmapped: Unmapped
) -> Iterator[ForeignLaunch]:
    """The n-th process of every benchmark makes the n-th launch."""
    for index in range(max(map(len, benchmarks), default=0)):
        workers = [workers[index] for workers in benchmarks if index < len(workers)]
        environment, kept = dict[str, Any](), Kept()
        for worker in workers:
            with odd.apart(worker.measurement.case):
                kept.add(worker.measurement)
        for worker in workers:
            for key, value in worker.environment.items():
                if environment.setdefault(key, value) != value:
                    unmapped.add(f"metadata.{key}", "differs in one launch; the first is kept")
        yield ForeignLaunch(
            measurements=kept.measurements,
            started_at=min((each.started_at for each in workers if each.started_at), default=None),
            environment=environment,
        )


def _machine(metadata: _Metadata | None) -> ForeignMachine:
    if metadata is None:
        return ForeignMachine(name=None, facts=hardware())
    return ForeignMachine(
        name=printable(metadata.hostname) if metadata.hostname else None,
        facts=hardware(
            # What /proc/cpuinfo calls `machine` is a model too, on Arm and POWER.
            cpu_model=metadata.cpu_model_name or metadata.cpu_machine,
            architecture=architecture_in(metadata.platform),
            threads=metadata.cpu_count,
        ),
    )
