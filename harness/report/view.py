"""A view: one result, as a document for scripts and as a table for people."""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any, Literal

from harness.report.fitting import COLUMNS, Fitting, as_text, fitted, wrapped

Format = Literal["table", "json", "csv", "md"]
FORMATS: tuple[Format, ...] = ("table", "json", "csv", "md")


@dataclass(frozen=True, kw_only=True)
class View:
    """`document`: what `--format json` prints. `records`: the rows of `--format csv`, with base
    units in the keys, and `columns` such keys as it has also where there is no record. `headers`,
    `rows`: the table that people read; `preface` precedes it, `notes` follow it. `fitting`: how it
    gives way where a terminal is narrow; None where it does not."""

    document: Any
    records: Sequence[Mapping[str, Any]]
    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()
    preface: Sequence[str] = ()
    columns: Sequence[str] = ()
    fitting: Fitting | None = None


def render(view: View, form: Format, width: int = COLUMNS) -> str:
    """The view as text, ending in a newline. `width`: of the terminal, for tables that fit it."""
    match form:
        case "json":
            return json.dumps(view.document, indent=1, default=plain, allow_nan=False) + "\n"
        case "csv":
            return _csv(view.columns, view.records)
        case "table":
            if view.fitting is not None:
                return _fitted(view, view.fitting, width)
            return _table(view, "simple", printable)
        case "md":
            return _table(view, "github", _markdown)


def _fitted(view: View, fitting: Fitting, width: int) -> str:
    headers, *rows = [list(map(printable, row)) for row in (view.headers, *view.rows)]
    found = fitted(headers, rows, fitting, width)
    notes = list(view.notes)
    if found.left_out:
        notes.append(f"no room for: {', '.join(found.left_out)}; see `--format json`")
    preface, notes = (
        [wrapped(printable(line, keep="\n"), width) for line in lines]
        for lines in (view.preface, notes)
    )
    return _text(preface, as_text(found), notes)


def _table(view: View, style: str, shown: Callable[[str], str]) -> str:
    from tabulate import tabulate

    headers, *rows = [list(map(shown, row)) for row in (view.headers, *view.rows)]
    preface, notes = (
        [printable(line, keep="\n") for line in lines] for lines in (view.preface, view.notes)
    )
    table = tabulate(rows, headers=headers, tablefmt=style, disable_numparse=True)
    return _text(preface, table, notes)


def _text(preface: Sequence[str], table: str, notes: Sequence[str]) -> str:
    before, after = ("".join(f"{line}\n" for line in lines) for lines in (preface, notes))
    return "\n".join(part for part in (before, f"{table}\n", after) if part)


def _markdown(text: str) -> str:
    """A cell: https://github.github.com/gfm/#tables-extension- ends it at a bare `|`."""
    return printable(text).replace("\\", "\\\\").replace("|", "\\|")


def _csv(columns: Sequence[str], records: Sequence[Mapping[str, Any]]) -> str:
    buffer = io.StringIO()
    names = list(dict.fromkeys(chain(columns, *records)))
    writer = csv.DictWriter(buffer, names, lineterminator="\n")
    writer.writeheader()
    for record in records:
        writer.writerow({name: cell(value) for name, value in record.items()})
    return buffer.getvalue()


def printable(text: str, keep: str = "") -> str:
    """`text` without control characters: names and messages come out of containers, and an
    escape sequence must not reach somebody's terminal."""
    if text.isprintable():  # nearly all of it, of which there may be much
        return text
    return "".join(
        character if character.isprintable() or character in keep else "\N{REPLACEMENT CHARACTER}"
        for character in text
    )


def cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return plain(value)
    if isinstance(value, str):
        return printable(value, keep="\n\t")
    if isinstance(value, int | float | None):
        return value
    return json.dumps(value, default=plain, allow_nan=False)


def plain(value: Any) -> Any:
    """What the JSON module does not know: times, NumPy numbers and arrays."""
    if isinstance(value, datetime):
        return value.isoformat()
    return value.tolist()
