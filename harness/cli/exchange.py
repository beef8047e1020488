"""Results from and to elsewhere: `jaxrig import`, `export`, `merge`."""

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from harness.cli.words import database, saying, show, tag, tags
from harness.errors import DatabaseFailure, UsageError

if TYPE_CHECKING:
    from harness.store.reader import Reader, Run

FORMS = ("bundle", "csv", "parquet", "pytest-benchmark")


def add_import(take_in: argparse.ArgumentParser) -> None:
    take_in.add_argument(
        "paths",
        nargs="+",
        type=Path,
        metavar="PATH",
        help="a bundle, or results of pytest-benchmark, asv, pyperf or Google Benchmark; a folder",
    )


def add_export(export: argparse.ArgumentParser) -> None:
    export.add_argument(
        "runs",
        nargs="*",
        metavar="RUN",
        help="a run's name, KEY=VALUE of a tag, latest, or latest~N (default: every run)",
    )
    export.add_argument(
        "--tag", action="append", default=[], metavar="K=V", type=tag, help="only runs with it"
    )
    export.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="of pytest-benchmark a folder"
    )
    export.add_argument(
        "--as",
        choices=FORMS,
        default="bundle",
        dest="form",
        help="bundle (default): everything, for `jaxrig import`; the others: samples",
    )
    export.add_argument("--force", action="store_true", help="replace files that are there")


def add_merge(merge: argparse.ArgumentParser) -> None:
    merge.add_argument(
        "source",
        type=partial(database, option="merge"),
        metavar="URL",
        help="whose runs to take in",
    )


def take_in(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.exchange.arrivals import Arrival, arrivals
    from harness.report.arrivals import arrivals_view
    from harness.runner.abandoned import is_abandoned
    from harness.store.writer import Store

    say, done = saying(err), list[Arrival]()
    with Store(arguments.db, say) as store:
        try:
            for arrival in arrivals(arguments.paths, store, say, is_abandoned):
                done.append(arrival)
                if arrival.error is not None:
                    say(arrival.error)
        finally:  # what was taken in is told also where the database takes no more
            show(arrivals_view(done), arguments, out)
    failed = sum(arrival.error is not None for arrival in done)
    if failed:
        raise UsageError(
            f"{failed} of {len(done)} could not be read, or not all of it; the others were taken in"
        )
    return 0


def export(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.exchange import bundle, outgoing, samples
    from harness.runner.abandoned import is_abandoned
    from harness.store.database import unheard
    from harness.store.reader import Reader

    path, form, say = arguments.out, arguments.form, saying(err)
    if form == "bundle" and path.suffix != bundle.SUFFIX:
        raise UsageError(
            f"--out {path}: a bundle's name ends in {bundle.SUFFIX}; --as csv, parquet or "
            "pytest-benchmark writes something else"
        )
    _refuse_to_replace(path, folder=form == "pytest-benchmark", force=arguments.force)
    with Reader(arguments.db, is_abandoned) as reader:
        runs = _ended(_chosen(reader, arguments.runs, tags(arguments.tag)), say)
        match form:
            case "bundle":
                chosen = arguments.runs or arguments.tag
                names = {run.run for run in runs} if chosen else None
                bundle.write(arguments.db, path, names, unheard, is_abandoned)
            case "csv":
                samples.write_csv(reader, runs, path)
            case "parquet":
                samples.write_parquet(reader, runs, path)
            case _:
                path.mkdir(parents=True, exist_ok=True)
                files = outgoing.write_pytest_benchmark(reader, runs, path, force=arguments.force)
                for file, left_out in files:
                    for case, why in left_out.items():
                        say(f"{file}: {case}: {why}: left out")
    say(f"{len(runs)} runs in {path}")
    return 0


def merge(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.report.arrivals import merged_view
    from harness.runner.abandoned import is_abandoned
    from harness.store.merge import merge
    from harness.store.url import shown
    from harness.store.writer import Store

    say = saying(err)
    with Store(arguments.db, say) as store:
        merged = merge(arguments.source, store, say=say, is_abandoned=is_abandoned)
    show(merged_view(merged), arguments, out)
    if merged.unreadable:
        raise DatabaseFailure(
            f"damaged in {shown(arguments.source)}: {', '.join(merged.unreadable)}; the rest was "
            "taken in. A copy may still hold it"
        )
    return 0


def _refuse_to_replace(path: Path, *, folder: bool, force: bool) -> None:
    if folder:
        if path.exists() and not path.is_dir():
            raise UsageError(f"--out {path} is a file; name a folder for pytest-benchmark's files")
    elif path.is_dir():
        raise UsageError(f"--out {path} is a folder; name a file")
    elif path.exists() and not force:
        raise UsageError(f"--out {path} exists; name another file, or add --force")
    elif not path.absolute().parent.is_dir():
        raise UsageError(f"--out {path}: there is no folder {path.absolute().parent}")


def _chosen(reader: "Reader", references: Sequence[str], tags: "dict[str, str]") -> "list[Run]":
    """Those that are named, or else all, that have the tags; the oldest first."""
    if references:
        named = {run.run: run for run in map(reader.run, references)}
        found = sorted(named.values(), key=lambda run: run.started_at)
    else:
        found = reader.runs()[::-1]
    chosen = [run for run in found if tags.items() <= run.tags.items()]
    if not chosen:
        raise UsageError("no run is chosen; see `jaxrig runs`")
    return chosen


def _ended(runs: "list[Run]", say: Callable[[str], None]) -> "list[Run]":
    """Raises `UsageError` where none of them has."""
    for run in runs:
        if run.status == "running":
            say(f"{run.run} is still being measured: left out")
    ended = [run for run in runs if run.status != "running"]
    if not ended:
        raise UsageError("no run that is chosen has ended; see `jaxrig runs`")
    return ended
