"""Rows of runs that were read before: pages show the same ones again and again, and what is counted
of each takes longer to read than all else of them."""

from collections.abc import Collection, Mapping, Sequence
from threading import Lock

from sqlalchemy import Connection

from harness.store.names import Names
from harness.store.overview import read_runs_of
from harness.store.places import Place, read_there
from harness.store.reader import Run

MOST = 20_000
"""That are remembered: a few dozen megabytes."""


class Runs:
    """Of one version of a database, as they are marked."""

    def __init__(self, most: int = MOST) -> None:
        self._most, self._lock = most, Lock()
        self._found: dict[int, Run] = {}
        self._there: dict[Place, Sequence[int]] = {}

    def at(self, connection: Connection, ids: Collection[int]) -> Mapping[int, Run]:
        """Those of them that there are."""
        with self._lock:
            found = {key: self._found[key] for key in ids if key in self._found}
        missing = [key for key in ids if key not in found]
        if missing:
            read = read_runs_of(connection, missing)
            found |= read
            with self._lock:
                if len(self._found) > self._most:
                    self._found.clear()
                self._found |= read
        return found

    def there(self, connection: Connection, place: Place, names: Names) -> Sequence[int]:
        """Rows of all runs of a place, in the order in which they began."""
        with self._lock:
            if place in self._there:
                return self._there[place]
        read = read_there(connection, place, names)
        with self._lock:
            self._there[place] = read
        return read
