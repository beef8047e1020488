"""What `jaxrig history` draws above its tables, on a terminal alone."""

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, TextIO

from harness.cli.series import stored_series
from harness.cli.words import columns_of, saying
from harness.report.view import printable
from harness.report.writing import write

if TYPE_CHECKING:
    from harness.changes import Changed, Series
    from harness.store.columns import Columns
    from harness.store.filters import Filters

MOST = 3
"""Series: more would push the table out of sight."""


def is_drawn(arguments: argparse.Namespace, out: TextIO) -> bool:
    return arguments.format == "table" and not arguments.no_plot and out.isatty()


def draw_runs(
    filters: "Filters",
    columns: "Columns",
    arguments: argparse.Namespace,
    out: TextIO,
    err: TextIO,
) -> None:
    """The first series of what is listed, as they are judged, and their changes."""
    from harness.report.changes import letters
    from harness.report.dots import legend_lines

    cases = tuple(islice(dict.fromkeys(columns["case"]), MOST))
    if not cases:
        return
    series = stored_series(replace(filters, cases=cases), arguments, lambda _: None)
    first = list(islice(series, MOST + 1))
    for each in first[:MOST]:
        names = [letters(place) for place in range(len(each.levels.changes))]
        _draw(each, names, out, legend_lines(each, names))
    if len(first) > MOST:
        saying(err)(f"{MOST} series are drawn; names, --machine and --target choose others")


def draw_changes(series: "Sequence[Series]", shown: "Sequence[Changed]", out: TextIO) -> None:
    """The first series that have any of these changes, by the letters that those have there."""
    from harness.report.changes import letters

    names = {_key(each): letters(place) for place, each in enumerate(shown)}
    having = (each for each in series if any(_key(one) in names for one in each.changed()))
    for each in islice(having, MOST):
        _draw(each, [names.get(_key(one), "") for one in each.changed()], out)


def _key(each: "Changed") -> tuple[str, ...]:
    """No two changes are at one run of a case in one unit."""
    return (*each.where.values(), each.unit, each.first.run)


def _draw(series: "Series", names: Sequence[str], out: TextIO, below: Iterable[str] = ()) -> None:
    from harness.report.dots import plot_lines

    lines = plot_lines(series, names, columns_of(out), braille=_has_braille(out))
    write("".join(f"{printable(line)}\n" for line in (*lines, *below, "")), out)


def _has_braille(out: TextIO) -> bool:
    try:
        "\N{BRAILLE PATTERN DOTS-12345678}".encode(out.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True
