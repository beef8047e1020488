"""`jaxrig query`."""

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from harness.cli.asked import add_filters, filters_of
from harness.cli.words import command_line, positive
from harness.errors import UsageError
from harness.report.view import FORMATS
from harness.report.writing import write

if TYPE_CHECKING:
    import pandas as pd

    from harness.store.columns import Columns
    from harness.store.metrics import Metric

QUERY_FORMATS = (*FORMATS, "parquet")

_PAGE = 100


def add(query: argparse.ArgumentParser) -> None:
    what = query.add_mutually_exclusive_group()
    what.add_argument(
        "--case", action="append", default=[], metavar="GLOB", help="only matching cases; repeats"
    )
    what.add_argument(
        "--sql", metavar="STATEMENT", help="instead: one SQL statement that only reads"
    )
    add_filters(query)
    query.add_argument(
        "--metric",
        action="append",
        default=[],
        metavar="NAME",
        help="time (default), min_s, compile_time, memory, throughput, flops_per_s, bytes_per_s; "
        "repeats",
    )
    query.add_argument(
        "--sort",
        metavar="COLUMN[:desc]",
        help="a column of the JSON; numbers as numbers (default: the newest first)",
    )
    query.add_argument(
        "--limit",
        type=positive,
        metavar="N",
        help=f"rows of a page (default: {_PAGE} in tables, else all)",
    )
    query.add_argument("--page", type=positive, default=1, metavar="K", help="which, from 1")
    query.add_argument("--out", type=Path, metavar="FILE", help="write there, not to stdout")


def query(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    _refuse_unwritable(arguments, out)
    if arguments.sql is not None:
        _refuse_filters(arguments)
        return _sql(arguments, out)
    from harness.store.metrics import metrics_named

    metrics = metrics_named(arguments.metric or ["time"])
    columns, more = _page(arguments, metrics)
    if arguments.format == "parquet":
        from harness.frames import frame
        from harness.store.kinds import of_series

        _put_parquet(frame(columns, of_series(metrics)), arguments.out, out)
    else:
        from harness.report.series import query_text

        told = [metric.column for metric in metrics]
        _put(query_text(columns, told, arguments.format), arguments.out, out)
    _tell_page(arguments, len(columns["case"]), err, more=more)
    return 0


def _page(arguments: argparse.Namespace, metrics: "Sequence[Metric]") -> "tuple[Columns, bool]":
    """The rows that are asked for, and whether there are others behind them."""
    from harness.store.columns import order, taken
    from harness.store.listing import list_series

    size, filters = _size(arguments), filters_of(arguments, arguments.case)
    if arguments.sort is None and size is not None:  # no more is read than it takes
        columns = list_series(arguments.db, filters, metrics, size * arguments.page + 1)
        rows: Sequence[int] = range(len(columns["case"]))
    else:
        columns = list_series(arguments.db, filters, metrics)
        name, descending = _sort(arguments.sort or "started_at:desc", columns)
        rows = order(columns[name], descending=descending)
    start = 0 if size is None else size * (arguments.page - 1)
    end = len(rows) if size is None else start + size
    return taken(columns, rows[start:end]), len(rows) > end


def _size(arguments: argparse.Namespace) -> int | None:
    """Rows of a page; None where there are no pages."""
    if arguments.limit is not None:
        size: int = arguments.limit
        return size
    return _PAGE if arguments.format in ("table", "md") or arguments.page > 1 else None


def _sort(text: str, columns: "Columns") -> tuple[str, bool]:
    name, colon, way = text.partition(":")
    if name not in columns:
        raise UsageError(f"--sort {name!r} is no column; there are: {', '.join(columns)}")
    if colon and way not in ("asc", "desc"):
        raise UsageError(f"--sort {text!r}: a column is followed by :desc, :asc or nothing")
    return name, way == "desc"


def _tell_page(arguments: argparse.Namespace, rows: int, err: TextIO, *, more: bool) -> None:
    size = _size(arguments)
    if size is None or (arguments.page == 1 and not more):
        return
    if not rows:
        write(f"jaxrig: page {arguments.page} is behind the last row\n", err)
        return
    first = size * (arguments.page - 1) + 1
    told = f"rows {first} to {first + rows - 1}"
    if more:
        words = [*_without_page(arguments.words), "--page", str(arguments.page + 1)]
        told += f"; the next: {command_line(*words)}"
    write(f"jaxrig: {told}\n", err)


def _without_page(words: Sequence[str]) -> list[str]:
    found: list[str] = []
    skip = False
    for word in words:
        if not skip and word != "--page" and not word.startswith("--page="):
            found.append(word)
        skip = word == "--page"
    return found


def _sql(arguments: argparse.Namespace, out: TextIO) -> int:
    from harness.report.rows import rows_text
    from harness.store.statement import read_statement

    with read_statement(arguments.db, arguments.sql) as (names, rows):
        if arguments.format == "parquet":
            import pandas as pd

            columns = list(zip(*rows, strict=True)) or [()] * len(names)
            told = {name: list(values) for name, values in zip(names, columns, strict=True)}
            _put_parquet(pd.DataFrame(told), arguments.out, out)
        else:
            _put(rows_text(names, rows, arguments.format), arguments.out, out)
    return 0


def _refuse_unwritable(arguments: argparse.Namespace, out: TextIO) -> None:
    """Before anything is read."""
    if arguments.format == "parquet" and arguments.out is None:
        if out.isatty():
            raise UsageError("Parquet is not for a terminal; add --out FILE, or redirect stdout")
        if not hasattr(out, "buffer"):
            raise UsageError("Parquet cannot be written to this stream; add --out FILE")


def _refuse_filters(arguments: argparse.Namespace) -> None:
    """A statement says all by itself: what is asked beside it would be ignored."""
    others = ("target", "machine", "image", "jax", "commit", "tag", "suite", "isolation")
    more = ("since", "until", "metric", "sort", "limit")
    given = [f"--{name}" for name in (*others, *more) if getattr(arguments, name)]
    if given or arguments.page > 1:
        what = given[0] if given else "--page"
        raise UsageError(f"{what} does not go with --sql; say it in the statement")


def _put(pieces: Iterable[str], path: Path | None, out: TextIO) -> None:
    if path is None:
        for piece in pieces:
            write(piece, out)
    else:
        with path.open("w", encoding="utf-8") as file:
            file.writelines(pieces)


def _put_parquet(frame: "pd.DataFrame", path: Path | None, out: TextIO) -> None:
    from harness.exchange.parquet import parquet

    content = parquet(frame)
    if path is None:
        out.buffer.write(content)
        out.buffer.flush()
    else:
        path.write_bytes(content)
