"""pytest-benchmark's JSON, of `--benchmark-json` and of saved files. One file is one process.

https://pytest-benchmark.readthedocs.io/en/latest/usage.html
"""

import json
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import Field

from harness.exchange import quartiles
from harness.exchange.cleaned import case_name, facts, hardware, moment, once, printable
from harness.exchange.foreign import ForeignLaunch, ForeignMachine, ForeignMeasurement, ForeignRun
from harness.exchange.reading import Document, Told, part
from harness.exchange.unmapped import Unmapped
from harness.records import PositiveSeconds, Seconds

VERSION = "5.3.1"
"""Whose files `write` imitates."""

_NO_COMMIT = ("unversioned", "unknown")
_NO_BRANCH = ("(unknown)", "(detached head)")
_UNREADABLE = "UNSERIALIZABLE["
_OF_MEAN = frozenset({"iqr", "ops", "total"})
_OF_SAMPLES = _OF_MEAN | {"outliers", "iqr_outliers", "stddev_outliers", "ld15iqr", "hd15iqr"}
_SUMMARY = ("min", "max", "mean", "stddev", "q1", "q3")
_CPU_OF_THE_MOMENT = ("flags", "hz_actual", "hz_actual_friendly")


class _Stats(Told):
    median: PositiveSeconds
    rounds: Annotated[int, Field(ge=1, lt=2**63)]
    iterations: Annotated[int, Field(ge=1, lt=2**63)] = 1
    data: Annotated[list[PositiveSeconds], Field(min_length=1, max_length=1_000_000)] | None = None
    min: Seconds | None = None
    max: Seconds | None = None
    mean: Seconds | None = None
    stddev: Seconds | None = None
    q1: Seconds | None = None
    q3: Seconds | None = None


class _Benchmark(Told):
    fullname: str
    name: str | None = None
    group: str | None = None
    param: str | None = None
    params: dict[str, Any] | None = None
    options: dict[str, Any] = Field(default_factory=dict)
    extra_info: dict[str, Any] = Field(default_factory=dict)
    stats: _Stats


class _Commit(Told):
    id: str | None = None
    dirty: bool | None = None
    branch: str | None = None
    project: str | None = None


class _File(Told):
    machine_info: dict[str, Any]
    commit_info: _Commit = _Commit()
    benchmarks: list[_Benchmark]
    datetime: str
    version: str = ""


@dataclass(frozen=True, kw_only=True)
class Written:
    """A pytest-benchmark file, and the cases that are not in it, for want of samples."""

    text: bytes
    left_out: tuple[str, ...]


def read(found: Document) -> ForeignRun:
    """The run in a file. Raises `ValueError` where it does not fit."""
    file = part(_File, found.content, "")
    unmapped = Unmapped()
    started_at, _ = moment(file.datetime, "datetime")  # without a zone in old files: it is UTC
    measurements = tuple(_measurement(benchmark, unmapped) for benchmark in file.benchmarks)
    once(measurement.case for measurement in measurements)
    machine, environment = _machine(file, unmapped)
    commit = file.commit_info
    known = commit.id not in (None, *_NO_COMMIT)
    unmapped.extras("commit_info", commit.extras)
    unmapped.extras("", file.extras)
    project = printable(commit.project) if commit.project else None
    return ForeignRun(
        format="pytest-benchmark",
        digest=found.digest,
        started_at=started_at,
        machine=machine,
        commit=printable(commit.id or "") if known else None,
        dirty=commit.dirty if known else None,
        branch=printable(commit.branch or "") or None if commit.branch not in _NO_BRANCH else None,
        suite=f"pytest-benchmark:{project}" if project else "pytest-benchmark",
        tags={"project": project} if project else {},
        launches=(
            ForeignLaunch(
                measurements=measurements, started_at=started_at, environment=environment
            ),
        ),
        unmapped=unmapped.names,
    )


def write(run: ForeignRun, launch: ForeignLaunch) -> Written:
    """`launch` of `run` as a file that pytest-benchmark compares with its own.

    A run of several launches is several files: pytest-benchmark knows a case once a file, and
    samples of different processes must not be thrown together.
    """
    kept = [each for each in launch.measurements if each.samples_s]
    left_out = tuple(each.case for each in launch.measurements if not each.samples_s)
    told_at = launch.started_at or run.started_at or datetime.fromtimestamp(0, tz=UTC)
    content = {
        "machine_info": _machine_info(run.machine, launch.environment),
        "commit_info": {
            "id": run.commit or "unknown",
            "time": None,
            "author_time": None,
            "dirty": bool(run.dirty),
            "project": run.tags.get("project", run.suite),
            "branch": run.branch or "(unknown)",
        },
        "benchmarks": [_benchmark(each) for each in kept],
        "datetime": told_at.isoformat(),
        "version": VERSION,
    }
    text = json.dumps(content, indent=4, allow_nan=False)
    return Written(text=text.encode(), left_out=left_out)


def _measurement(told: _Benchmark, unmapped: Unmapped) -> ForeignMeasurement:
    stats, warnings = told.stats, list[str]()
    case = case_name(told.fullname, warnings)
    parameters = facts(told.params or {}, "parameters", warnings)
    warnings += [
        f"parameter {name} could not be stored by pytest-benchmark; it is text"
        for name, value in parameters.items()
        if isinstance(value, str) and value.startswith(_UNREADABLE)
    ]
    samples = tuple(stats.data) if stats.data else None
    if samples and len(samples) != stats.rounds:
        raise ValueError(f"{case}: stats.rounds is {stats.rounds} for {len(samples)} samples")
    if told.model_extra:
        unmapped.extras("benchmarks[]", told.extras)
    unmapped.extras("benchmarks[].stats", stats.extras, _OF_SAMPLES if samples else _OF_MEAN)
    return ForeignMeasurement(
        case=case,
        workload=case.partition("[")[0],
        parameters=parameters,
        group=printable(told.group) if told.group else None,
        options=facts(told.options, "options", warnings),
        extra_info=facts(told.extra_info, "extra_info", warnings),
        samples_s=samples,
        rounds=stats.rounds,
        median_s=statistics.median(samples) if samples else stats.median,
        summary={} if samples else _summary(stats),
        calls_per_round=stats.iterations,
        warnings=tuple(warnings),
    )


def _summary(stats: _Stats) -> dict[str, float]:
    told = {f"{name}_s": getattr(stats, name) for name in _SUMMARY}
    return {name: value for name, value in told.items() if value is not None}


def _machine(file: _File, unmapped: Unmapped) -> tuple[ForeignMachine, dict[str, Any]]:
    """The hardware, and everything else that `machine_info` tells."""
    told = dict(file.machine_info)
    cpu = told.get("cpu")
    cpu = dict(cpu) if isinstance(cpu, dict) else {}
    # The clock changes from file to file, and hundreds of flags follow from the model.
    for name in _CPU_OF_THE_MOMENT:
        if cpu.pop(name, None) is not None:
            unmapped.add(f"machine_info.cpu.{name}")
    name, architecture = told.pop("node", None), told.pop("machine", None)
    python = told.pop("python_version", None)
    machine = ForeignMachine(
        name=printable(name) if isinstance(name, str) and name else None,
        facts=hardware(
            cpu_model=cpu.pop("brand_raw", cpu.pop("brand", None)),
            architecture=architecture or cpu.get("arch_string_raw"),
            threads=cpu.pop("count", None),
        ),
    )
    environment = told | ({"cpu": cpu} if cpu else {})
    known = {"python": python, "packages": {"pytest-benchmark": printable(file.version)}}
    changed = list[str]()
    cleaned = facts(environment | known, "machine_info", changed)
    for warning in changed:
        unmapped.add(warning)
    return machine, cleaned


def _machine_info(machine: ForeignMachine, environment: Mapping[str, Any]) -> dict[str, Any]:
    """What `_machine` takes apart, put together again."""
    told = dict(environment)
    cpu = told.pop("cpu", {})
    return {
        "node": machine.name or "",
        "machine": machine.facts.get("architecture") or "",
        "python_version": told.pop("python", None) or "",
        **told,
        "cpu": {
            **cpu,
            "brand_raw": machine.facts.get("cpu_model") or "",
            "count": machine.facts.get("threads"),
        },
    }


def _benchmark(told: ForeignMeasurement) -> dict[str, Any]:
    samples = list(told.samples_s or ())
    test = told.case.rpartition("::")[2]
    return {
        "group": told.group,
        "name": test,
        "fullname": told.case,
        "params": dict(told.parameters) or None,
        "param": test.partition("[")[2].removesuffix("]") or None,
        "extra_info": dict(told.extra_info),
        "options": dict(told.options),
        "stats": quartiles.stats(samples) | {"data": samples, "iterations": told.calls_per_round},
    }
