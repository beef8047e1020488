"""`jaxrig query`."""

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from harness.cli.asked import add_filters, filters_of
from harness.cli.pages import Row, add_pages, in_order, page_of, sort_of
from harness.cli.words import saying
from harness.errors import UsageError
from harness.report.view import FORMATS
from harness.report.writing import write_all, write_bytes

if TYPE_CHECKING:
    import pandas as pd

QUERY_FORMATS = (*FORMATS, "parquet")


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
    add_pages(query)
    query.add_argument("--out", type=Path, metavar="FILE", help="write there, not to stdout")


def query(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    _refuse_unwritable(arguments, out)
    remark = _series(arguments, out) if arguments.sql is None else _sql(arguments, out)
    if remark is not None:
        saying(err)(remark)
    return 0


def _series(arguments: argparse.Namespace, out: TextIO) -> str | None:
    """What there is to tell of other rows; so does `_sql`."""
    from harness.runner.abandoned import is_abandoned
    from harness.store.kinds import of_series
    from harness.store.listing import list_newest
    from harness.store.metrics import metrics_named

    metrics = metrics_named(arguments.metric or ["time"])
    kinds = of_series(metrics)
    names = list(kinds)
    sort = None if arguments.sort is None else sort_of(arguments.sort, names)
    filters = filters_of(arguments, arguments.case)
    with list_newest(arguments.db, filters, metrics, is_abandoned) as rows:
        ordered: Iterable[Row] = rows
        if sort is not None:
            ordered = in_order(rows, names.index(sort[0]), arguments, descending=sort[1])
        shown, remark = page_of(ordered, arguments)
        if arguments.format == "parquet":
            from harness.frames import frame
            from harness.report.rows import by_column

            _put_parquet(frame(by_column(names, shown), kinds), arguments.out, out)
        else:
            from harness.report.series import query_text

            told = [metric.column for metric in metrics]
            _put(query_text(names, shown, told, arguments.format), arguments.out, out)
    return remark


def _sql(arguments: argparse.Namespace, out: TextIO) -> str | None:
    from harness.report.rows import by_column, rows_text
    from harness.store.statement import read_statement

    _refuse_filters(arguments)
    with read_statement(arguments.db, arguments.sql) as (names, rows):
        shown, remark = page_of(rows, arguments)
        if arguments.format == "parquet":
            import pandas as pd

            _put_parquet(pd.DataFrame(by_column(names, shown)), arguments.out, out)
        else:
            _put(rows_text(names, shown, arguments.format), arguments.out, out)
    return remark


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
    more = ("since", "until", "metric", "sort")
    given = [f"--{name}" for name in (*others, *more) if getattr(arguments, name)]
    if given:
        raise UsageError(f"{given[0]} does not go with --sql; say it in the statement")


def _put(pieces: Iterable[str], path: Path | None, out: TextIO) -> None:
    if path is None:
        write_all(pieces, out)
    else:
        with path.open("w", encoding="utf-8") as file:
            file.writelines(pieces)


def _put_parquet(frame: "pd.DataFrame", path: Path | None, out: TextIO) -> None:
    from harness.exchange.parquet import parquet

    content = parquet(frame)
    if path is None:
        write_bytes(content, out.buffer)
    else:
        path.write_bytes(content)
