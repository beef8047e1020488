"""The command line: parses, makes one call, prints. Heavy imports happen inside the commands."""

import argparse
import io
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from typing import TextIO

from harness import __version__
from harness.cli import (
    ab,
    bisect,
    bottleneck,
    ceilings,
    compare,
    exchange,
    here,
    history,
    images,
    nightly,
    predict,
    profile,
    published,
    query,
    regressions,
    report,
    run,
    serve,
    stored,
    upkeep,
)
from harness.cli.words import DEFAULT_DATABASE, database, default_database
from harness.errors import EnvironmentFailure, Interrupted, JaxrigError
from harness.report.view import FORMATS, printable
from harness.report.writing import write

_EXIT_CODES = """\
exit codes:
  0  done; in a gate: no regression
  1  a regression was found: confirmed by `ab`, beyond the machine's scatter by `compare`, or not
     announced before by `regressions announce`
  2  usage: unknown target, case, run
  3  too little data to decide
  4  a case failed
  5  environment: no engine, image, accelerator
  6  database: unreachable, newer, corrupt
  130  interrupted; what was measured is kept
"""


def main(argv: Sequence[str] | None = None) -> int:
    """The `jaxrig` command; the exit code is for the caller to use."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that has no µ still gets its table
            stream.reconfigure(errors="replace")
    return dispatch(sys.argv[1:] if argv is None else argv, sys.stdout, sys.stderr)


def dispatch(argv: Sequence[str], out: TextIO, err: TextIO) -> int:
    """Runs one command with the given streams and returns its exit code."""
    try:
        with redirect_stdout(out), redirect_stderr(err):  # argparse takes no streams
            arguments = _parser().parse_args(argv)
        arguments.words = argv
        if arguments.db is None:  # no default of argparse's: it would check that like an argument
            arguments.db = default_database()
        code: int = arguments.command(arguments, out, err)
        return code
    except SystemExit as stop:  # argparse: --help, --version (0) and wrong options (2)
        return stop.code if isinstance(stop.code, int) else 2
    except JaxrigError as error:
        # It may quote what a container said.
        write(printable(f"jaxrig: {error}", keep="\n") + "\n", err)
        return error.exit_code
    except KeyboardInterrupt:
        write("jaxrig: interrupted\n", err)
        return Interrupted.exit_code
    except OSError as error:  # a disk that is full, a folder that was removed
        write(printable(f"jaxrig: {error}", keep="\n") + "\n", err)
        return EnvironmentFailure.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="jaxrig",
        description="Measures JAX workloads in pinned containers, keeps every sample, compares.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"jaxrig {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(
        name: str, command: Callable[..., int], text: str, formats: Sequence[str] = FORMATS
    ) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        sub.set_defaults(command=command)
        _add_options(sub, formats=formats)
        return sub

    run.add(add("run", run.run, "measure a suite and keep every sample"))
    ab.add(add("ab", ab.ab, "measure two targets in turns, and say what got slower"))
    text = "find the revision since which a case is slower, measured in turns"
    bisect.add(add("bisect", bisect.bisect, text))
    nightly.add(
        add("nightly", nightly.nightly, "measure tonight in turns with a pinned image, and judge")
    )
    stored.add_runs(add("runs", stored.runs, "list the stored runs, the newest first"))
    stored.add_show(
        add("show", stored.show_run, "show one run: its cases, samples (json) and failures")
    )
    history.add(add("history", history.history, "show how cases' times went, run by run"))
    text = "show what got slower; acknowledge, ignore, announce it"
    lives = commands.add_parser("regressions", help=text, description=text, allow_abbrev=False)
    regressions.add(lives, _add_options)
    published.add_badge(add("badge", published.badge, "draw how many regressions are open"))
    published.add_feed(add("feed", published.feed, "write an Atom feed of regressions"))
    text = "list what was measured, filtered and sorted, or ask by SQL"
    query.add(add("query", query.query, text, query.QUERY_FORMATS))
    here.add_cases(add("cases", here.cases, "list the cases with their cost and suites"))
    add("targets", here.targets, "list the targets that can be measured")
    text = "list the images that jaxrig built; save one, bring it back, remove old ones"
    images.add(
        commands.add_parser("images", help=text, description=text, allow_abbrev=False), _add_options
    )
    machines = add("machines", stored.machines, "list the machines that have results; link them")
    # Who named a database before the word `link` means it after it, too.
    upkeep.add_links(machines, partial(_add_options, unless_given=True))
    compare.add(add("compare", compare.compare, "compare two stored runs case by case"))
    text = "show what this machine and an image can do at most, measured"
    ceilings.add(add("ceilings", ceilings.ceilings, text))
    text = "say what a Transformer would take, from a machine's ceilings alone"
    predict.add(add("predict", predict.predict, text))
    text = "say which limit of the hardware binds each case of a run"
    bottleneck.add(add("bottleneck", bottleneck.bottleneck, text))
    text = "show where the device's time went, operation by operation, of a run with --profile"
    profile.add(add("profile", profile.profile, text))
    report.add(add("report", report.report, "write a site: what changed, what limits, since when"))
    text = "serve the same pages live, and JSON, from the database"
    serve.add(add("serve", serve.serve, text))
    exchange.add_import(
        add("import", exchange.take_in, "take in a bundle, or results of another tool")
    )
    exchange.add_export(add("export", exchange.export, "write stored runs to a file"))
    exchange.add_merge(add("merge", exchange.merge, "take in every run of another database"))
    add("doctor", here.doctor, "say what is well here, and how to mend what is not")
    text = "check, copy, upgrade or prune the database"
    db = commands.add_parser("db", help=text, description=text, allow_abbrev=False)
    upkeep.add_db(db, _add_options)
    return parser


def _add_options(
    parser: argparse.ArgumentParser,
    *,
    unless_given: bool = False,
    formats: Sequence[str] = FORMATS,
) -> None:
    """Those that every command has."""
    table, none = (argparse.SUPPRESS,) * 2 if unless_given else ("table", None)
    parser.add_argument("--format", choices=formats, default=table, help="default: table")
    parser.add_argument(
        "--db",
        metavar="URL",
        type=database,
        default=none,
        help=f"the result database (default: JAXRIG_DB, else {DEFAULT_DATABASE})",
    )
