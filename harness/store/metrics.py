"""What can be told of a case beside its time: from which columns, in which unit, and whether more
of it is good."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from harness.errors import UsageError
from harness.store.packed import smallest

Number = float | None


@dataclass(frozen=True, kw_only=True)
class Metric:
    """`column`: its name in results. `reads`: columns of measurements (those of programs have a
    table of their own: `program`). `value`: of one launch, None where that does not tell it (zero
    is told). `over`: of the launches of a run. `a_second`: the value is work, which the run's
    `median_s` divides."""

    name: str
    column: str
    unit: str
    up_is_good: bool
    reads: tuple[str, ...]
    value: Callable[..., Number]
    over: Callable[[Sequence[float]], float] = median
    program: tuple[str, ...] = ()
    a_second: bool = False


def _compile_s(trace_s: Number, lower_s: Number, compile_s: Number) -> Number:
    if trace_s is None or lower_s is None or compile_s is None:
        return None
    return trace_s + lower_s + compile_s


def _peak_bytes(device_peak_bytes: Number, peak_rss_bytes: Number) -> Number:
    return peak_rss_bytes if device_peak_bytes is None else device_peak_bytes


def _work(work_unit: str | None, work_count: Number, flops: Number) -> Number:
    return flops if work_unit is None else work_count


def _as_told(amount: Number) -> Number:
    return amount


def _least_s(samples_s: bytes | None, summary: dict[str, Any] | None) -> Number:
    """Of pruned samples there is a summary."""
    if samples_s is not None:
        return smallest(samples_s)
    return (summary or {}).get("min_s")


METRICS = (
    Metric(
        name="time",
        column="median_s",
        unit="s",
        up_is_good=False,
        reads=("median_s",),
        value=_as_told,
    ),
    Metric(
        name="min_s",
        column="min_s",
        unit="s",
        up_is_good=False,
        reads=("samples_s", "summary"),
        value=_least_s,
        over=min,
    ),
    Metric(
        name="compile_time",
        column="compile_time_s",
        unit="s",
        up_is_good=False,
        reads=("trace_s", "lower_s", "compile_s"),
        value=_compile_s,
    ),
    Metric(
        name="memory",
        column="peak_bytes",
        unit="bytes",
        up_is_good=False,
        reads=("device_peak_bytes", "peak_rss_bytes"),
        value=_peak_bytes,
    ),
    Metric(
        name="throughput",
        column="throughput_per_s",
        unit="the case's work_unit, else FLOP; a second",
        up_is_good=True,
        reads=(),
        program=("work_unit", "work_count", "flops"),
        value=_work,
        a_second=True,
    ),
    Metric(
        name="flops_per_s",
        column="flops_per_s",
        unit="FLOP/s",
        up_is_good=True,
        reads=(),
        program=("flops",),
        value=_as_told,
        a_second=True,
    ),
    Metric(
        name="bytes_per_s",
        column="bytes_per_s",
        unit="bytes/s",
        up_is_good=True,
        reads=(),
        program=("bytes",),
        value=_as_told,
        a_second=True,
    ),
)

TIME = METRICS[0]


def metrics_named(names: Sequence[str]) -> tuple[Metric, ...]:
    """Known by the metric's name or its column's; each once. Raises `UsageError`."""
    known = {key: metric for metric in METRICS for key in (metric.name, metric.column)}
    for name in names:
        if name not in known:
            listed = ", ".join(metric.name for metric in METRICS)
            raise UsageError(f"unknown metric {name!r}; known are: {listed}")
    return tuple({known[name].column: known[name] for name in names}.values())
