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
from harness.exchange.cleaned import case_name, facts, hardware, moment, printable
from harness.exchange.foreign import ForeignLaunch, ForeignMachine, ForeignMeasurement, ForeignRun
from harness.exchange.kept import Kept
from harness.exchange.reading import Document, Samples, Told, part
from harness.exchange.unmapped import Unmapped
from harness.fields import PositiveSeconds, Seconds

VERSION = "5.3.1"
"""Whose files `write` imitates."""

_NO_COMMIT = ("unversioned", "unknown")
_OF_COMMIT = ("project", "branch")
_NO_NAME = (None, "", "(unknown)", "(detached head)")
_UNREADABLE = "UNSERIALIZABLE["
_OF_MEAN = frozenset({"iqr", "ops", "total"})
_OF_SAMPLES = _OF_MEAN | {"outliers", "iqr_outliers", "stddev_outliers", "ld15iqr", "hd15iqr"}
_SUMMARY = ("min", "max", "mean", "stddev", "q1", "q3")
_CPU_OF_THE_MOMENT = ("flags", "hz_actual", "hz_actual_friendly")


class _Stats(Told):
    median: PositiveSeconds
    rounds: Annotated[int, Field(ge=1, lt=2**63)]
    iterations: Annotated[int, Field(ge=1, lt=2**63)] | None = None
    data: Samples | None = None
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
    benchmarks: list[Any]
    datetime: str
    version: str = ""


@dataclass(frozen=True, kw_only=True)
class Written:
    """A pytest-benchmark file. `left_out`: the cases that are not in it, and why not."""

    text: bytes
    left_out: dict[str, str]


def read(found: Document) -> ForeignRun:
    """The run in a file. Raises `ValueError` where it does not fit."""
    file = part(_File, found.content, "")
    unmapped = Unmapped()
    started_at, _ = moment(file.datetime, "datetime")  # without a zone in old files: it is UTC
    kept = _kept(file, unmapped)
    machine, environment = _machine(file, unmapped)
    commit = file.commit_info
    known = commit.id not in (None, *_NO_COMMIT)
    unmapped.extras("commit_info", commit.extras)
    unmapped.extras("", file.extras)
    project = environment.get("project")
    return ForeignRun(
        format="pytest-benchmark",
        digest=found.digest,
        started_at=started_at,
        machine=machine,
        commit=printable(commit.id or "") if known else None,
        dirty=commit.dirty if known else None,
        suite=f"pytest-benchmark:{project}" if project else "pytest-benchmark",
        launches=(
            ForeignLaunch(
                measurements=kept.measurements, started_at=started_at, environment=environment
            ),
        ),
        failures=kept.failures,
        unmapped=unmapped.names,
    )


def write(run: ForeignRun, launch: ForeignLaunch) -> Written:
    """`launch` of `run` as a file that pytest-benchmark compares with its own.

    A run of several launches is several files: pytest-benchmark knows a case once a file, and
    samples of different processes must not be thrown together.
    """
    kept = [each for each in launch.measurements if _why_left_out(each) is None]
    why = ((each.case, _why_left_out(each)) for each in launch.measurements)
    left_out = {case: told for case, told in why if told is not None}
    told_at = launch.started_at or run.started_at or datetime.fromtimestamp(0, tz=UTC)
    content = {
        "machine_info": _machine_info(run.machine, launch.environment),
        "commit_info": {
            "id": run.commit or "unknown",
            "time": None,
            "author_time": None,
            "dirty": bool(run.dirty),
            "project": launch.environment.get("project", run.suite),
            "branch": launch.environment.get("branch", "(unknown)"),
        },
        "benchmarks": [_benchmark(each) for each in kept],
        "datetime": told_at.isoformat(),
        "version": VERSION,
    }
    text = json.dumps(content, indent=4, allow_nan=False)
    return Written(text=text.encode(), left_out=left_out)


def _kept(file: _File, unmapped: Unmapped) -> Kept:
    kept = Kept()
    for index, told in enumerate(file.benchmarks):
        with kept.apart(told.get("fullname") if isinstance(told, dict) else None):
            kept.add(_measurement(part(_Benchmark, told, f"benchmarks[{index}]"), unmapped))
    return kept


def _why_left_out(told: ForeignMeasurement) -> str | None:
    """Why a case cannot be in a file; None where it can."""
    if not told.samples_s:
        return "it has no samples"
    return None if told.calls_per_round else "nobody knows of how many calls a sample is the mean"


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
    if stats.iterations is None:
        warnings.append("the file does not tell how many calls a sample is the mean of")
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
    """The hardware, and everything else that `machine_info` tells; with it what the benchmarks
    are of."""
    told = dict(file.machine_info)
    cpu = dict(told.pop("cpu")) if isinstance(told.get("cpu"), dict) else {}
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
    of_commit = {name: getattr(file.commit_info, name) for name in _OF_COMMIT}
    known |= {name: printable(told) for name, told in of_commit.items() if told not in _NO_NAME}
    return machine, unmapped.facts(environment | known, "machine_info")


def _machine_info(machine: ForeignMachine, environment: Mapping[str, Any]) -> dict[str, Any]:
    """What `_machine` takes apart, put together again."""
    told = {name: value for name, value in environment.items() if name not in _OF_COMMIT}
    cpu = told.pop("cpu", {})
    return {
        "node": machine.name or "",
        "machine": machine.facts.get("architecture") or "",
        "python_version": told.pop("python", None) or "",
        **told,
        "cpu": {
            **(cpu if isinstance(cpu, dict) else {"told": cpu}),
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
