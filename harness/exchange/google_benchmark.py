"""Google Benchmark's JSON (`--benchmark_format=json`). One file is one run of one process.

https://github.com/google/benchmark/blob/main/docs/user_guide.md#output-formats
"""

import math
import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from harness.exchange.cleaned import case_name, facts, hardware, moment, printable
from harness.exchange.foreign import ForeignLaunch, ForeignMachine, ForeignMeasurement, ForeignRun
from harness.exchange.kept import Kept
from harness.exchange.reading import Document, Told, part
from harness.exchange.unmapped import Unmapped

_UNITS_S = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}
_OLD_DATE = re.compile(r"(\d{4})[/-](\d\d)[/-](\d\d)[ -](\d\d:\d\d:\d\d)")
_ARGUMENT = re.compile(r"(?:([A-Za-z_]\w*):)?(-?\d{1,18})")
_SECONDS = re.compile(r"(min_time|min_warmup_time):(\d{1,9}(?:\.\d{1,9})?)s?")
_SUMMARY = ("mean", "stddev", "min", "max")
_FITS = frozenset({"BigO", "RMS"})
_OF_SAMPLES = frozenset({*_SUMMARY, "median", "cv"})
_TIMINGS = ("real_time", "process_time", "manual_time")
_ASKED = ("threads", "repeats", "iterations")
# Beside the fields of `_Row`, what no author's counter is.
_OWN = frozenset({"aggregate_unit"})

_Some = Annotated[int, Field(ge=0, lt=2**63)]
_Many = Annotated[int, Field(ge=1, lt=2**63)]


class _Context(Told):
    date: str | None = None
    host_name: str = ""
    executable: str = ""
    num_cpus: int | None = None
    caches: list[dict[str, Any]] | None = None
    library_build_type: str | None = None


class _Row(Told):
    """A repetition of a benchmark, or an aggregate of its repetitions."""

    name: str
    run_name: str = ""
    run_type: Literal["iteration", "aggregate"]
    family_index: int | None = None
    per_family_instance_index: int | None = None
    aggregate_name: str | None = None
    repetitions: _Some | None = None
    repetition_index: int | None = None
    threads: _Some | None = None
    iterations: int | None = None
    real_time: float | None = None
    cpu_time: float | None = None
    time_unit: Literal["ns", "us", "ms", "s"] = "ns"
    error_occurred: bool = False
    error_message: str = ""
    skipped: bool = False
    skip_message: str = ""

    @property
    def case(self) -> str:
        return self.run_name or self.name


class _File(Told):
    context: _Context
    benchmarks: list[Any]


class _Times(Told):
    """Of a repetition that came to its end."""

    real_time: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    cpu_time: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    iterations: _Many


@dataclass(kw_only=True)
class _Case:
    """What a file has of one benchmark, in its order. `number`: which of those of its name."""

    name: str
    number: int
    repetitions: dict[int | None, _Row] = field(default_factory=dict)
    aggregates: dict[str, _Row] = field(default_factory=dict)

    @property
    def full_name(self) -> str:
        return self.name if self.number == 1 else f"{self.name}#{self.number}"

    def add(self, row: _Row, where: str) -> None:
        """Raises `ValueError` for what is there already."""
        rows: dict[Any, _Row] = self.repetitions
        which: object = row.repetition_index
        if row.run_type == "aggregate":
            rows, which = self.aggregates, row.aggregate_name or row.name
        if which in rows:
            raise ValueError(f"{where}: {row.name} is in it twice")
        rows[which] = row


def read(found: Document) -> ForeignRun:
    """The run in a file. Raises `ValueError` where it does not fit."""
    file = part(_File, found.content, "")
    unmapped, kept = Unmapped(), Kept()
    started_at = _started_at(file.context, unmapped)
    cases = _cases(file, kept)
    for case in cases:
        with kept.apart(case.full_name):
            measurement = _measurement(case, file.context, unmapped)
            if measurement is not None:
                kept.add(measurement)
    unmapped.extras("", file.extras)
    executable = _executable(file.context)
    return ForeignRun(
        format="google-benchmark",
        digest=found.digest,
        started_at=started_at,
        machine=_machine(file.context),
        suite=f"google-benchmark:{executable}" if executable else "google-benchmark",
        launches=(
            ForeignLaunch(
                measurements=kept.measurements,
                started_at=started_at,
                environment=_environment(file.context, unmapped),
            ),
        ),
        failures=(*_flagged(cases, "error_occurred", "error_message"), *kept.failures),
        skips=_flagged(cases, "skipped", "skip_message"),
        unmapped=unmapped.names,
    )


def _cases(file: _File, kept: Kept) -> list[_Case]:
    """Those all of whose rows fit. Equal names are told apart by their place in the program."""
    cases, odd = dict[str, dict[tuple[int | None, int | None], _Case]](), set[object]()
    for index, told in enumerate(file.benchmarks):
        where = f"benchmarks[{index}]"
        try:
            row = part(_Row, told, where)
            places = cases.setdefault(row.case, {})
            place = (row.family_index, row.per_family_instance_index)
            case = places.setdefault(place, _Case(name=row.case, number=len(places) + 1))
            case.add(row, where)
        except ValueError as error:
            name = (told.get("run_name") or told.get("name")) if isinstance(told, dict) else None
            kept.fail(name, error)
            odd.add(name if isinstance(name, str) else None)
    return [each for name in cases if name not in odd for each in cases[name].values()]


def _flagged(cases: Sequence[_Case], flag: str, message: str) -> tuple[tuple[str, str], ...]:
    """(case, message) of those with repetitions that raise `flag`, each once."""
    rows = ((case, row) for case in cases for row in case.repetitions.values())
    told = (
        (case_name(case.full_name, []), printable(getattr(row, message)) or flag)
        for case, row in rows
        if getattr(row, flag)
    )
    return tuple(dict.fromkeys(told))


def _measurement(case: _Case, context: _Context, unmapped: Unmapped) -> ForeignMeasurement | None:
    """None where the benchmark has no times."""
    warnings = list[str]()
    if (context.library_build_type or "").lower() == "debug":
        warnings.append("Google Benchmark's library was built for debugging")
    if case.number > 1:
        warnings.append(f"number {case.number} of this name in its file, by its place there")
    for kind in sorted(case.aggregates.keys() - _OF_SAMPLES):
        what = "a fit over several benchmarks" if kind in _FITS else "an aggregate of one's own"
        unmapped.add(f"benchmarks[].{kind}", what)
    every = case.repetitions.values()
    done = [row for row in every if not (row.error_occurred or row.skipped)]
    if done:
        return _of_repetitions(case.full_name, done, warnings)
    if every:
        return None
    found = _of_aggregates(case.full_name, case.aggregates, warnings)
    if found is None and case.aggregates.keys() - _FITS:
        unmapped.add(f"benchmarks.{case.full_name}", "aggregates without a median or mean")
    return found


def _of_repetitions(name: str, rows: list[_Row], warnings: list[str]) -> ForeignMeasurement:
    times = [_times(row) for row in rows]
    samples = tuple(_seconds(each.real_time, row) for each, row in zip(times, rows, strict=True))
    cpu_s = [
        each.cpu_time * _UNITS_S[row.time_unit]
        for each, row in zip(times, rows, strict=True)
        if each.cpu_time is not None
    ]
    if len({each.iterations for each in times}) > 1:
        warnings.append("repetitions made different numbers of calls; the first one's is stored")
    return _placed(
        name,
        rows,
        warnings,
        extra={"cpu_time_s": cpu_s},
        samples_s=samples,
        median_s=statistics.median(samples),
        rounds=len(samples),
        calls_per_round=times[0].iterations,
    )


def _of_aggregates(
    name: str, aggregates: Mapping[str, _Row], warnings: list[str]
) -> ForeignMeasurement | None:
    """Where only aggregates are reported. What `iterations` counts in them is repetitions."""
    central = aggregates.get("median") or aggregates.get("mean")
    if central is None:
        return None
    if central.aggregate_name == "mean":
        warnings.append("the file has no median; the mean stands for it")
    times = _times(central)
    cpu_s = times.cpu_time * _UNITS_S[central.time_unit] if times.cpu_time is not None else None
    in_seconds = {
        f"{kind}_s": row.real_time * _UNITS_S[row.time_unit]
        for kind, row in aggregates.items()
        if kind in _SUMMARY and row.real_time is not None and math.isfinite(row.real_time)
    }
    warnings.append("the file does not tell how many calls a sample is the mean of")
    return _placed(
        name,
        [central],
        warnings,
        extra={"cpu_time_s": cpu_s},
        samples_s=None,
        median_s=_seconds(times.real_time, central),
        summary=in_seconds,
        rounds=central.repetitions or None,
        calls_per_round=None,
    )


def _placed(
    name: str, rows: list[_Row], warnings: list[str], *, extra: dict[str, Any], **times: Any
) -> ForeignMeasurement:
    workload, parameters, options = _parts(name)
    case = case_name(name, warnings)
    if rows[0].threads is not None:
        options["threads"] = rows[0].threads
    return ForeignMeasurement(
        case=case,
        workload=printable(workload),
        parameters=parameters,
        options=options,
        extra_info=facts(_counters(rows) | extra, "counters", warnings),
        warnings=tuple(warnings),
        **times,
    )


def _counters(rows: list[_Row]) -> dict[str, Any]:
    """The author's counters and label: a value where all repetitions agree, else one for each."""
    told = dict[str, Any]()
    for name in dict.fromkeys(name for row in rows for name in row.extras):
        if name in _OWN:
            continue
        values = [row.extras.get(name) for row in rows]
        told[name] = values[0] if all(each == values[0] for each in values) else values
    return told


def _parts(name: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """The function, its arguments and what was asked of the timing, as `BM_Copy/64/real_time` and
    `BM_Copy/n:64/min_time:0.500/process_time/real_time/threads:2` tell them."""
    parameters, options = dict[str, Any](), dict[str, Any]()
    workload, *pieces = name.split("/")
    for piece in pieces:
        argument, seconds = _ARGUMENT.fullmatch(piece), _SECONDS.fullmatch(piece)
        if piece in _TIMINGS:
            before = options.get("timing")
            options["timing"] = f"{before}/{piece}" if before else piece
        elif seconds:
            options[f"{seconds[1]}_s"] = float(seconds[2])
        elif argument:
            key = argument[1] or f"arg{len(parameters) + 1}"
            (options if key in _ASKED else parameters)[key] = int(argument[2])
        else:
            workload += f"/{piece}"
    return workload, parameters, options


def _times(row: _Row) -> _Times:
    told = {"real_time": row.real_time, "cpu_time": row.cpu_time, "iterations": row.iterations}
    return part(_Times, told, f"benchmarks.{row.name}")


def _seconds(value: float, row: _Row) -> float:
    seconds = value * _UNITS_S[row.time_unit]
    if not 0 < seconds <= 1e9:
        raise ValueError(f"benchmarks.{row.name}.real_time: {value} {row.time_unit} is no time")
    return seconds


def _started_at(context: _Context, unmapped: Unmapped) -> datetime | None:
    if context.date is None:
        return None
    old = _OLD_DATE.fullmatch(context.date)
    text = "{}-{}-{}T{}".format(*old.groups()) if old else context.date
    when, zoned = moment(text, "context.date")
    if not zoned:
        unmapped.add("context.date", "the zone is not told; taken as UTC")
    return when


def _machine(context: _Context) -> ForeignMachine:
    return ForeignMachine(
        name=printable(context.host_name) or None,
        facts=hardware(threads=context.num_cpus, caches=_caches(context)),
    )


def _caches(context: _Context) -> list[str] | None:
    """As `harness.machine.Machine` has them: `L1 Data 32K`."""
    if not context.caches:
        return None
    found = list[str]()
    for cache in context.caches[:16]:
        level, kind, size = (cache.get(key) for key in ("level", "type", "size"))
        kilobytes = f"{size // 1024}K" if isinstance(size, int) else "?"
        found.append(printable(f"L{level} {kind} {kilobytes}", 64))
    return found


def _executable(context: _Context) -> str:
    """Its name, without the folder."""
    return printable(context.executable.replace("\\", "/").rpartition("/")[2])


def _environment(context: _Context, unmapped: Unmapped) -> dict[str, Any]:
    """Everything but the hardware, and the load, which is of the moment."""
    told = {
        "executable": _executable(context) or None,
        "library_build_type": context.library_build_type,
        **context.extras,
    }
    if told.pop("load_avg", None):
        unmapped.add("context.load_avg")
    if any("num_sharing" in cache for cache in context.caches or []):
        unmapped.add("context.caches[].num_sharing")
    return unmapped.facts({key: told[key] for key in told if told[key] is not None}, "context")
