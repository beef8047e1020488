"""Files and folders on their way into the database, one file after another.

A file that cannot be read keeps no other one out.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import UsageError
from harness.exchange import bundle, formats
from harness.exchange.incoming import take_in
from harness.store.copying import SourceFailure
from harness.store.reader import IsAbandoned
from harness.store.writer import Store

BUNDLE = "bundle"


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """What came of a file. `runs` are added or were known; `replaced` are gone: what the file told
    before it grew. `measurements` were added; `unmapped` names what of the file has no place in the
    database. `error`: why nothing came of it, or not all."""

    file: str
    format: str | None = None
    runs: tuple[str, ...] = ()
    runs_added: int = 0
    runs_known: int = 0
    replaced: tuple[str, ...] = ()
    measurements: int = 0
    unmapped: tuple[str, ...] = ()
    error: str | None = None


def arrivals(
    paths: Sequence[Path],
    store: Store,
    say: Callable[[str], None],
    is_abandoned: IsAbandoned | None = None,
) -> Iterator[Arrival]:
    """Takes in each file, and each beneath a folder, and tells what came of it. `say` hears of
    each run of a bundle, and of what a file told earlier. `is_abandoned`: as of `merge`. Raises
    `DatabaseFailure` where the database takes no more."""
    arriving = _Arriving(store=store, say=say, is_abandoned=is_abandoned)
    for path in paths:
        try:
            found = _files(path)
        except (OSError, UsageError) as error:
            yield Arrival(file=str(path), error=_told(path, error))
            continue
        for file in found:
            try:
                yield arriving.one(file)
            except (OSError, SourceFailure, UsageError) as error:
                yield Arrival(file=str(file), error=_told(file, error))


def _files(path: Path) -> list[Path]:
    bundles = sorted(path.rglob(f"*{bundle.SUFFIX}")) if path.is_dir() else []
    try:
        return [*bundles, *formats.files(path)]
    except UsageError:
        if bundles:
            return bundles
        raise


def _told(path: Path, error: Exception) -> str:
    return str(error) if isinstance(error, UsageError) else f"cannot import {path}: {error}"


@dataclass(kw_only=True)
class _Arriving:
    store: Store
    say: Callable[[str], None]
    is_abandoned: IsAbandoned | None
    definitions: dict[Path, formats.Definitions] = field(default_factory=dict)

    def one(self, path: Path) -> Arrival:
        return self._bundle(path) if bundle.is_database(path) else self._results(path)

    def _bundle(self, path: Path) -> Arrival:
        merged = bundle.take_in(path, self.store, self.say, self.is_abandoned)
        lost = ", ".join(merged.unreadable)
        return Arrival(
            file=str(path),
            format=BUNDLE,
            runs=tuple(merged.runs),
            runs_added=merged.runs_added,
            runs_known=merged.runs_known,
            measurements=merged.measurements_added,
            error=f"cannot import all of {path}: {lost} cannot be read" if lost else None,
        )

    def _results(self, path: Path) -> Arrival:
        run = formats.read_file(path, self.definitions)
        taken = take_in(run, path.name, self.store)
        added = taken.added
        for name in added.replaced:
            self.say(f"{path}: {added.name} takes the place of {name}, an earlier state of it")
        for name in added.others:
            self.say(f"{path}: {name} is another state of it, and stays beside {added.name}")
        return Arrival(
            file=str(path),
            format=run.format,
            runs=(added.name,),
            runs_added=int(added.new),
            runs_known=int(not added.new),
            replaced=added.replaced,
            measurements=taken.measurements if added.new else 0,
            unmapped=taken.unmapped,
        )
