"""Runs in the order of the commits that they measured, instead of that of time."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from harness.errors import UsageError

Columns = Mapping[str, Sequence[Any]]

_SERIES = ("case", "machine", "target", "isolation")


def by_commit(columns: Columns, places: Mapping[str, int]) -> dict[str, list[Any]]:
    """The rows of each series by the places of their commits, those of one commit as they were.
    `columns`: ordered by case, machine, target and start.

    A commit without a place stands behind the run before it in time: `unplaced` tells which. Raises
    `UsageError` where none has a place: that would be the order of time.
    """
    commits = columns["git_commit"]
    if commits and not any(commit in places for commit in commits):
        raise UsageError(
            "this checkout knows no commit of these runs; call this in a checkout of what they "
            "measured (git fetch, and git fetch --unshallow, get more), or leave --order commit out"
        )
    rows = [row for some in _series(columns) for row in _in_order(some, commits, places)]
    return {name: [values[row] for row in rows] for name, values in columns.items()}


def unplaced(columns: Columns, places: Mapping[str, int]) -> str | None:
    """What a reader must know of runs that have no place."""
    told = zip(columns["run"], columns["git_commit"], strict=True)
    runs = {run: commit for run, commit in told if commit not in places}
    if not runs:
        return None
    named = sorted({commit[:12] for commit in runs.values() if commit is not None})
    which = f" ({', '.join(named)})" if named else ""
    return (
        f"{len(runs)} run(s) of commits that this checkout does not know{which} stand behind the "
        "run before them in time"
    )


def _series(columns: Columns) -> Iterator[list[int]]:
    """The rows of each, which are together but for how they are isolated."""
    keys = list(zip(*(columns[name] for name in _SERIES), strict=True))
    rows = sorted(range(len(keys)), key=keys.__getitem__)  # stable: of equal ones as they come
    for _, some in groupby(rows, keys.__getitem__):
        yield list(some)


def _in_order(
    rows: Sequence[int], commits: Sequence[str | None], places: Mapping[str, int]
) -> list[int]:
    found: dict[int, int] = {}
    place = -1
    for row in rows:
        place = places.get(commits[row] or "", place)
        found[row] = place
    return sorted(rows, key=found.__getitem__)
