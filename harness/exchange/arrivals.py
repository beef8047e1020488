"""Files and folders on their way into the database, one file after another.

A file that cannot be read keeps no other one out.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import UsageError
from harness.exchange import bundle, formats
from harness.exchange.incoming import take_in
from harness.store.writer import Store

BUNDLE = "bundle"


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """What came of a file. `error`: why nothing did. `measurements` were added; `unmapped` names
    what of the file has no place in the database."""

    file: str
    format: str | None = None
    runs: tuple[str, ...] = ()
    runs_added: int = 0
    runs_known: int = 0
    measurements: int = 0
    unmapped: tuple[str, ...] = ()
    error: str | None = None


def arrivals(paths: Sequence[Path], store: Store, say: Callable[[str], None]) -> Iterator[Arrival]:
    """Takes in each file, and each beneath a folder, and tells what came of it. `say` hears of
    each run of a bundle. Raises `DatabaseFailure`."""
    definitions = dict[Path, formats.Definitions]()
    for path in paths:
        try:
            found = _files(path)
        except UsageError as error:
            yield Arrival(file=str(path), error=str(error))
            continue
        for file in found:
            try:
                yield _arrival(file, store, definitions, say)
            except UsageError as error:
                yield Arrival(file=str(file), error=str(error))


def _files(path: Path) -> list[Path]:
    bundles = sorted(path.rglob(f"*{bundle.SUFFIX}")) if path.is_dir() else []
    try:
        return [*bundles, *formats.files(path)]
    except UsageError:
        if bundles:
            return bundles
        raise


def _arrival(
    path: Path,
    store: Store,
    definitions: dict[Path, formats.Definitions],
    say: Callable[[str], None],
) -> Arrival:
    if bundle.is_database(path):
        merged = bundle.take_in(path, store, say)
        return Arrival(
            file=str(path),
            format=BUNDLE,
            runs_added=merged.runs_added,
            runs_known=merged.runs_known,
            measurements=merged.measurements_added,
        )
    run = formats.read_file(path, definitions)
    taken = take_in(run, path.name, store)
    return Arrival(
        file=str(path),
        format=run.format,
        runs=(taken.run,),
        runs_added=int(taken.new),
        runs_known=int(not taken.new),
        measurements=taken.measurements if taken.new else 0,
        unmapped=taken.unmapped,
    )
