"""Many rows of equal columns: written as they come, without an object per row."""

import csv
import io
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any

from harness.report.view import View, cell, plain, printable, render

Rows = Iterable[Sequence[Any]]

_LINES = 1000


def by_column(names: Sequence[str], rows: Rows) -> dict[str, list[Any]]:
    """The rows transposed: a list for each name."""
    found: list[list[Any]] = [[] for _ in names]
    for some in _batches(rows):
        for into, values in zip(found, zip(*some, strict=True), strict=True):
            into.extend(values)
    return dict(zip(names, found, strict=True))


def _batches(rows: Rows) -> Iterator[list[Sequence[Any]]]:
    left = iter(rows)
    while some := list(islice(left, _LINES)):
        yield some


def rows_text(names: Sequence[str], rows: Rows, form: str) -> Iterator[str]:
    """The rows as `json` (an object a line), `csv`, `table` or `md`, in pieces."""
    match form:
        case "json":
            return _pieces(_json(names, rows))
        case "csv":
            return _csv(names, rows)
        case _:
            return iter([_table(names, rows, form)])


def _json(names: Sequence[str], rows: Rows) -> Iterator[str]:
    """Column by column: a call for each row would take longer than reading it."""
    places = {name: place for place, name in enumerate(names)}
    keys = (as_json(name).replace("%", "%%") for name in places)
    line = "{" + ", ".join(f"{key}: %s" for key in keys) + "}"
    separator = "[\n"
    for some in _batches(rows):
        columns = list(zip(*some, strict=True))
        texts = [_json_texts(columns[place]) for place in places.values()]
        for values in zip(*texts, strict=True):
            yield separator + line % values
            separator = ",\n"
    yield "[]\n" if separator == "[\n" else "\n]\n"


def _json_texts(values: Sequence[Any]) -> list[str]:
    """A column's, each as JSON; most are nothing but numbers, or texts of which many are equal."""
    match set(map(type, values)):
        case kinds if kinds <= {str, type(None)}:
            known = {value: as_json(value) for value in set(values)}
            return list(map(known.__getitem__, values))
        case kinds if kinds == {int} or (kinds == {float} and all(map(math.isfinite, values))):
            return list(map(repr, values))
    return list(map(as_json, values))


def as_json(value: Any, *, sort_keys: bool = False) -> str:
    """Of whatever a database may hold."""
    try:
        return json.dumps(value, default=_plain, allow_nan=False, sort_keys=sort_keys)
    except ValueError:  # a statement of the user's own may divide by zero
        return json.dumps(_finite(value), allow_nan=False, sort_keys=sort_keys)


def _finite(value: Any) -> Any:
    """Infinities and NaN, which JSON lacks, as text."""
    match value:
        case dict():
            return {name: _finite(each) for name, each in value.items()}
        case list() | tuple():
            return [_finite(each) for each in value]
        case float():
            return value if math.isfinite(value) else str(value)
        case None | str() | int():
            return value
    return _finite(_plain(value))


def _plain(value: Any) -> Any:
    """What neither JSON nor a report knows: a database's own types."""
    if isinstance(value, bytes | memoryview):
        return _size(value)
    if isinstance(value, Decimal):  # PostgreSQL's mean of whole numbers
        number = float(value)
        return number if math.isfinite(number) else str(value)
    try:
        return plain(value)
    except AttributeError:  # dates, UUIDs
        return str(value)


def _size(value: bytes | memoryview) -> str:
    return f"<{len(value)} bytes>"


def _csv(names: Sequence[str], rows: Rows) -> Iterator[str]:
    """Column by column, as `_json`."""
    head = _csv_line(map(_cell, names))
    for some in _batches(rows):
        yield head + _csv_lines(list(zip(*some, strict=True)))
        head = ""
    yield head


def _csv_lines(columns: Sequence[Sequence[Any]]) -> str:
    if len(columns) == 1:  # of nothing an empty line would be left, which is no row
        return "".join(_csv_line([_cell(value)]) for value in columns[0])
    lines = map(",".join, zip(*map(_csv_texts, columns), strict=True))
    return "\n".join(lines) + "\n"


def _csv_texts(values: Sequence[Any]) -> list[str]:
    """A column's, each as CSV; most are nothing but numbers, or texts of which many are equal. None
    is nothing, and so is an empty text."""
    match set(map(type, values)) - {type(None)}:
        case kinds if kinds <= {int, float}:
            return ["" if value is None else repr(value) for value in values]
        case kinds if kinds == {str}:
            known = {value: _csv_field(value) for value in set(values)}
            return list(map(known.__getitem__, values))
    return list(map(_csv_field, values))


def _csv_field(value: Any) -> str:
    # Beside another one, which keeps an empty one from being quoted.
    return _csv_line([_cell(value), 0]).removesuffix(",0\n")


def _csv_line(cells: Iterable[Any]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(cells)
    return buffer.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return printable(value, keep="\n\t")
    if value is None or isinstance(value, int | float):
        return value
    known = value if isinstance(value, dict | list | tuple) else _plain(value)
    return as_json(known) if isinstance(known, dict | list | tuple) else cell(known)


def _table(names: Sequence[str], rows: Rows, form: str) -> str:
    shown = [[_shown(value) for value in row] for row in rows]
    view = View(document=None, records=(), headers=names, rows=shown)
    return render(view, "md" if form == "md" else "table")


def _shown(value: Any) -> str:
    """Samples are too many for a cell."""
    if value is None:
        return ""
    if hasattr(value, "nbytes") and not isinstance(value, memoryview):
        return f"<{len(value)} samples>"
    return printable(str(_cell(value)))


def _pieces(lines: Iterator[str]) -> Iterator[str]:
    """Few large writes rather than many small ones."""
    some: list[str] = []
    for line in lines:
        some.append(line)
        if len(some) == _LINES:
            yield "".join(some)
            some.clear()
    yield "".join(some)
