"""What was measured over time: `jaxrig history` and `query`. Columns or rows in, text out."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from harness.report import quantity
from harness.report.rows import Rows, by_column, rows_text
from harness.report.view import View, render

Columns = Mapping[str, Sequence[Any]]

_GROUP = ("case", "machine", "target")
_TABLES = ("table", "md")


def history_text(names: Sequence[str], rows: Rows, form: str) -> Iterator[str]:
    """`jaxrig history`. In the table what is equal to the line above is not repeated."""
    if form in _TABLES:
        told = ("run", "started_at", "median_s", "launches")
        return iter([_table(by_column(names, rows), form, told, grouped=True)])
    return _rows_text(names, rows, form)


def query_text(
    names: Sequence[str], rows: Rows, metrics: Sequence[str], form: str
) -> Iterator[str]:
    """`jaxrig query`. `metrics`: the columns that hold them. JSON and CSV are written while the
    rows are taken."""
    if form in _TABLES:
        told = ("run", "started_at", *metrics)
        return iter([_table(by_column(names, rows), form, told, grouped=False)])
    return _rows_text(names, rows, form)


def _table(columns: Columns, form: str, told: Sequence[str], *, grouped: bool) -> str:
    names = (*_GROUP, *told)
    shown = [_shown(name, columns) for name in names]
    rows = list(zip(*shown, strict=True))
    view = View(
        document=None,
        records=(),
        headers=[_HEADERS.get(name, name) for name in names],
        rows=_without_repetition(rows) if grouped else rows,
    )
    return render(view, "md" if form == "md" else "table")


def _rows_text(names: Sequence[str], rows: Rows, form: str) -> Iterator[str]:
    place = names.index("started_at")
    with_moments = ((*row[:place], moment(row[place]), *row[place + 1 :]) for row in rows)
    return rows_text(names, with_moments, form)


_HEADERS = {
    "started_at": "started (UTC)",
    "median_s": "median",
    "min_s": "fastest",
    "compile_time_s": "compile time",
    "peak_bytes": "peak memory",
    "throughput_per_s": "throughput",
    "flops_per_s": "compute",
    "bytes_per_s": "traffic",
}


def _shown(name: str, columns: Columns) -> list[str]:
    values = columns[name]
    match name:
        case "machine":
            pairs = zip(values, columns["machine_name"], strict=True)
            return [f"{fingerprint} ({host})" for fingerprint, host in pairs]
        case "target":
            pairs = zip(values, columns["isolation"], strict=True)
            return [target_of(target, isolation) for target, isolation in pairs]
        case "started_at":
            return [text[:19] for text in values]
        case "throughput_per_s":
            units = (unit or "FLOP" for unit in columns["work_unit"])
            pairs = zip(values, units, strict=True)
            return ["" if x is None else quantity.rate(x, f"{unit}/s") for x, unit in pairs]
    scale: Callable[[Any], str] = _SCALES.get(name, str)
    return ["" if value is None else scale(value) for value in values]


_SCALES: Mapping[str, Callable[[float], str]] = {
    "median_s": quantity.seconds,
    "min_s": quantity.seconds,
    "compile_time_s": quantity.seconds,
    "peak_bytes": quantity.size,
    "flops_per_s": lambda value: quantity.rate(value, "FLOP/s"),
    "bytes_per_s": lambda value: quantity.rate(value, "B/s"),
}


def target_of(target: str, isolation: str) -> str:
    """A target as tables name it: what was not measured in containers says so."""
    return target if isolation == "container" else f"{target} ({isolation})"


def _without_repetition(rows: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """What a row has in common with the one above, from the left, is left out."""
    count = len(_GROUP)
    found: list[tuple[str, ...]] = []
    above: tuple[str, ...] = ()
    for row in rows:
        differs = (i for i in range(count) if row[i] != above[i])
        same = next(differs, count) if above else 0
        found.append(("",) * same + row[same:])
        above = row
    return found


@lru_cache(maxsize=256)
def moment(text: str) -> str:
    """As it is stored, with its zone. All of a run's rows have one, and come together."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).isoformat()
