"""asv's results, `results/<machine>/<commit>-<environment>.json`. One file is one run.

https://asv.readthedocs.io/en/latest/dev.html#benchmark-suite-layout-and-file-formats
In a list of results null is a combination of parameters that failed, and NaN one that was skipped.
"""

import itertools
import math
import re
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field

from harness.exchange.cleaned import (
    case_name,
    count,
    facts,
    gibibytes,
    hardware,
    moment_of_ms,
    printable,
)
from harness.exchange.foreign import ForeignLaunch, ForeignMachine, ForeignMeasurement, ForeignRun
from harness.exchange.kept import Kept
from harness.exchange.reading import Document, Samples, Told, part
from harness.exchange.unmapped import Unmapped
from harness.fields import Seconds

VERSION = 2

_TIME = re.compile(r"(?:time|timeraw)_|(?:Time|Timeraw)[A-Z_]")
_MACHINE = ("machine", "cpu", "arch", "num_cpu", "ram", "os")
_SUMMARY = {
    "stats_ci_99_a": "ci_99_low_s",
    "stats_ci_99_b": "ci_99_high_s",
    "stats_q_25": "q1_s",
    "stats_q_75": "q3_s",
}

_MOST_COMBINATIONS = 10_000

_T = TypeVar("_T")
_Many = Annotated[int, Field(ge=1, lt=2**63)]


class Definition(Told):
    """A benchmark in `benchmarks.json`."""

    type: str = "time"
    unit: str = "seconds"
    param_names: list[str] = Field(default_factory=list)


class _Row(Told):
    """Of one benchmark: a value for each combination of parameters."""

    result: list[float | None] | None = None
    params: list[list[str]] | None = None
    version: str | None = None
    started_at: float | None = None
    duration: Seconds | None = None
    stats_number: list[_Many | None] | None = None
    stats_repeat: list[_Many | None] | None = None
    stats_ci_99_a: list[float | None] | None = None
    stats_ci_99_b: list[float | None] | None = None
    stats_q_25: list[float | None] | None = None
    stats_q_75: list[float | None] | None = None
    samples: list[Samples | None] | None = None


class _File(Told):
    version: Literal[2]
    commit_hash: str | None = None
    date: int | None = None
    env_name: str = ""
    python: str | None = None
    params: dict[str, Any]
    requirements: dict[str, Any] | list[Any] = Field(default_factory=dict)
    env_vars: dict[str, Any] = Field(default_factory=dict)
    result_columns: list[str]
    results: dict[str, Any]


@dataclass(kw_only=True)
class _Found:
    """What the benchmarks of a file come to."""

    kept: Kept = field(default_factory=Kept)
    failures: list[tuple[str | None, str]] = field(default_factory=list)
    skips: list[tuple[str, str]] = field(default_factory=list)
    started_at: list[datetime] = field(default_factory=list)
    unmapped: Unmapped = field(default_factory=Unmapped)


def is_beside_results(content: Mapping[str, Any]) -> bool:
    """Whether it is what asv writes beside its results: `benchmarks.json` or `machine.json`."""
    told = [each for name, each in content.items() if name != "version"]
    benchmarks = all(isinstance(each, dict) and {"name", "params"} <= each.keys() for each in told)
    machine = {"machine", "arch", "num_cpu"} <= content.keys()
    return machine or (bool(told) and benchmarks)


def definitions(found: Document) -> dict[str, Definition]:
    """What a `benchmarks.json` says of each benchmark."""
    return {
        name: part(Definition, told, name)
        for name, told in found.content.items()
        if isinstance(told, dict)
    }


def read(found: Document, known: Mapping[str, Definition]) -> ForeignRun:
    """The run in a results file; `known` are the definitions, where there are any. Raises
    `ValueError` where it does not fit."""
    if found.content.get("version") != VERSION:
        told = found.content.get("version")
        raise ValueError(f"version: {told!r}; of asv's results {VERSION} is read (`asv update`)")
    file = part(_File, found.content, "")
    into = _Found()
    for name, row in file.results.items():
        with into.kept.apart(name):
            _benchmark(name, row, file.result_columns, known.get(name), into)
    measurements = into.kept.measurements
    started_at = _started_at(file, into)
    if any(measurement.samples_s for measurement in measurements):
        into.unmapped.add("results.*.samples", "which process took which is not told")
    into.unmapped.extras("", file.extras)
    launch = ForeignLaunch(
        measurements=measurements,
        started_at=started_at,
        environment=_environment(file, into.unmapped),
    )
    return ForeignRun(
        format="asv",
        digest=found.digest,
        started_at=started_at,
        machine=_machine(file.params),
        commit=printable(file.commit_hash) if file.commit_hash else None,
        dirty=False if file.commit_hash else None,  # asv checks a commit out to measure it
        suite="asv",
        launches=(launch,),
        failures=(*into.failures, *into.kept.failures),
        skips=tuple(into.skips),
        unmapped=into.unmapped.names,
    )


def _benchmark(
    name: str, told: object, columns: list[str], known: Definition | None, into: _Found
) -> None:
    where = f"results.{name}"
    if (why := _no_time(name, known)) is not None:
        into.unmapped.add(where, why)
        return
    if not isinstance(told, list):
        raise ValueError(f"{where}: Input should be a valid list")
    if len(told) > len(columns):
        raise ValueError(f"{where}: {len(told)} columns of {len(columns)}")
    # The rest of a row may be left out: null follows.
    row = part(_Row, dict(zip(columns, told, strict=False)), where)
    into.unmapped.extras("results.*", row.extras)
    if (started_at := moment_of_ms(row.started_at, f"{where}.started_at")) is not None:
        into.started_at.append(started_at)
    _lengths(row, where)
    for index, values in enumerate(itertools.product(*(row.params or []))):
        warnings = list[str]()
        case = case_name(f"{name}({', '.join(values)})" if values else name, warnings)
        with into.kept.apart(case):
            parameters = dict(zip(_names(values, known), values, strict=True))
            _combination(case, name, row, index, parameters, warnings, into)


def _no_time(name: str, known: Definition | None) -> str | None:
    """Why a benchmark is none of time; None if it is one."""
    if known is not None:
        is_time = known.type == "time" and known.unit == "seconds"
        return None if is_time else f"a {known.type} in {known.unit}, not a time in seconds"
    return None if _TIME.match(name.rpartition(".")[2]) else "by its name not a time"


def _lengths(row: _Row, where: str) -> None:
    """Raises `ValueError` where a column has not one value for each combination, and for more of
    these than anybody measures."""
    combinations = math.prod(len(values) for values in row.params or [])
    if row.result is None and combinations > _MOST_COMBINATIONS:
        raise ValueError(f"{where}: {combinations} combinations, and no result")
    for column in _Row.model_fields:
        values = getattr(row, column)
        if isinstance(values, list) and column != "params" and len(values) != combinations:
            raise ValueError(
                f"{where}.{column}: {len(values)} values for {combinations} combinations"
            )


def _combination(
    case: str,
    name: str,
    row: _Row,
    index: int,
    parameters: dict[str, str],
    warnings: list[str],
    into: _Found,
) -> None:
    result = _at(row.result, index)
    if result is None:
        into.failures.append((case, "asv could not measure it"))
    elif math.isnan(result):
        into.skips.append((case, "skipped by asv or by its setup"))
    elif not 0 < result <= 1e9:
        raise ValueError(f"results.{name}.result[{index}]: {result} is no time in seconds")
    else:
        into.kept.add(_measurement(case, name, row, index, result, parameters, warnings))


def _names(values: Sequence[str], known: Definition | None) -> list[str]:
    """Of the parameters; without a definition as asv numbers them."""
    names = known.param_names if known is not None else []
    unique = len(names) == len(values) == len(set(names))
    return names if unique else [f"param{number}" for number in range(1, len(values) + 1)]


def _measurement(
    case: str,
    name: str,
    row: _Row,
    index: int,
    result: float,
    parameters: dict[str, str],
    warnings: list[str],
) -> ForeignMeasurement:
    told = _at(row.samples, index)
    samples = tuple(told) if told else None
    calls = _at(row.stats_number, index)
    if calls is None:
        warnings.append("the file does not tell how many calls a sample is the mean of")
    extra = {"version": row.version, "duration_s": row.duration}
    return ForeignMeasurement(
        case=case,
        workload=printable(name),
        # What they are in Python asv does not tell: it writes down their repr.
        parameters=facts(parameters, "parameters", warnings),
        options={},
        extra_info={key: value for key, value in extra.items() if value is not None},
        samples_s=samples,
        rounds=len(samples) if samples else _at(row.stats_repeat, index),
        median_s=statistics.median(samples) if samples else result,
        summary={} if samples else dict(_summary(row, index)),
        calls_per_round=calls or None,
        warnings=tuple(warnings),
    )


def _at(values: Sequence[_T | None] | None, index: int) -> _T | None:
    return values[index] if values is not None else None


def _summary(row: _Row, index: int) -> Iterator[tuple[str, float]]:
    for column, name in _SUMMARY.items():
        value = _at(getattr(row, column), index)
        if value is not None and math.isfinite(value):
            yield name, value


def _machine(params: Mapping[str, Any]) -> ForeignMachine:
    name = params.get("machine")
    return ForeignMachine(
        name=printable(name) if isinstance(name, str) and name else None,
        facts=hardware(
            cpu_model=params.get("cpu"),
            architecture=params.get("arch"),
            threads=count(params.get("num_cpu")),
            memory_gib=gibibytes(params.get("ram")),
        ),
    )


def _started_at(file: _File, into: _Found) -> datetime | None:
    """The earliest of the benchmarks; where none tells it, when the commit was made."""
    if into.started_at:
        if file.date is not None:
            into.unmapped.add("date", "of the commit")
        return min(into.started_at)
    if file.date is not None:
        into.unmapped.add("when it was measured", "not told; the commit's date stands for it")
    return moment_of_ms(file.date, "date")


def _environment(file: _File, unmapped: Unmapped) -> dict[str, Any]:
    """Everything but the hardware. `params` repeats Python and the requirements."""
    packages = file.requirements
    if isinstance(packages, list):
        packages = dict.fromkeys(map(str, packages), "")
    repeated = {*_MACHINE, "python", *packages}
    told = {
        "python": file.python,
        "packages": packages,
        "variables": file.env_vars,
        "env_name": file.env_name,
        "os": file.params.get("os"),
        "params": {key: value for key, value in file.params.items() if key not in repeated},
    }
    return unmapped.facts({key: value for key, value in told.items() if value}, "environment")
