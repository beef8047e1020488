"""`jaxrig db check|backup|upgrade|prune`, and `jaxrig machines link|unlink`."""

import argparse
from functools import partial
from pathlib import Path
from typing import TextIO

from harness.cli.nested import Options, nested
from harness.cli.words import saying, show, when
from harness.errors import DatabaseFailure
from harness.moments import age


def add_db(db: argparse.ArgumentParser, options: Options) -> None:
    """`options`: those that every command has."""
    add = nested(db, options)
    add("check", check, "say whether the database is sound; exit 6 where it is not")
    backup_ = add("backup", backup, "copy an SQLite database while it is used, as last committed")
    backup_.add_argument("file", type=Path, help="the copy; an existing file is refused")
    add("upgrade", upgrade, "bring the database to this version's schema, after a backup (SQLite)")
    prune_ = add("prune", prune, "take the samples of old runs out, or the runs")
    prune_.add_argument(
        "--older-than",
        type=partial(when, age),
        required=True,
        metavar="AGE",
        help="as in 180d, 26w, 12h",
    )
    how = prune_.add_mutually_exclusive_group(required=True)
    how.add_argument(
        "--keep-medians",
        action="store_true",
        help="samples go; median, quartiles, mean and everything else stay",
    )
    how.add_argument("--whole-runs", action="store_true", help="the runs go altogether")
    prune_.add_argument("--dry-run", action="store_true", help="only say what would go")


def add_links(machines: argparse.ArgumentParser, options: Options) -> None:
    commands = machines.add_subparsers(metavar="COMMAND")
    text = "let a machine count as another: the same one, whose fingerprint changed"
    link_ = commands.add_parser("link", help=text, description=text, allow_abbrev=False)
    link_.add_argument("machine", help="the beginning of its fingerprint")
    link_.add_argument("same_as", help="likewise: what it counts as from here on")
    text = "take a link back"
    unlink_ = commands.add_parser("unlink", help=text, description=text, allow_abbrev=False)
    unlink_.add_argument("machine", help="the beginning of its fingerprint")
    for sub, command in ((link_, link), (unlink_, unlink)):
        options(sub)
        sub.set_defaults(command=command)


def check(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.report.listings import checked_view
    from harness.store.check import check

    found = list(check(arguments.db))
    show(checked_view(found), arguments, out)
    wrong = [each.check for each in found if not each.ok]
    if wrong:
        raise DatabaseFailure(
            f"damaged: {', '.join(wrong)}; restore a copy. What can be read of this one goes into "
            "a new database by `jaxrig merge`"
        )
    return 0


def backup(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.store.database import back_up

    back_up(arguments.db, arguments.file)
    saying(err)(f"copied to {arguments.file}")
    return 0


def upgrade(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.store.database import SCHEMA_VERSION, open_for_writing

    open_for_writing(arguments.db, saying(err), make=False).dispose()
    saying(err)(f"schema {SCHEMA_VERSION}")
    return 0


def prune(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.report.listings import pruned_view
    from harness.store.prune import prune

    found = prune(
        arguments.db,
        arguments.older_than,
        whole_runs=arguments.whole_runs,
        dry_run=arguments.dry_run,
        say=saying(err),
    )
    show(pruned_view(found, dry_run=arguments.dry_run), arguments, out)
    return 0


def link(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.store.links import link

    link(arguments.db, arguments.machine, arguments.same_as, saying(err))
    return 0


def unlink(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.store.links import unlink

    unlink(arguments.db, arguments.machine, saying(err))
    return 0
