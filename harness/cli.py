"""The command line: parses, makes one call, prints. Heavy imports happen inside the commands."""

import argparse
import io
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from harness import __version__
from harness.errors import (
    CasesFailed,
    EnvironmentFailure,
    Interrupted,
    JaxrigError,
    Regression,
    TooLittleData,
)
from harness.report.view import FORMATS, View, printable, render
from harness.report.writing import write

if TYPE_CHECKING:
    from harness.plan import Plan
    from harness.runner.run import Result

DEFAULT_DATABASE = "sqlite:///results.db"
_MOST = 100_000

_EXIT_CODES = """\
exit codes:
  0  done; in a gate: no regression
  1  a regression was found, and confirmed
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
        write(f"jaxrig: {error}\n", err)
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

    def add(name: str, command: Callable[..., int], text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        sub.set_defaults(command=command)
        sub.add_argument("--format", choices=FORMATS, default="table", help="default: table")
        sub.add_argument(
            "--db",
            metavar="URL",
            default=os.environ.get("JAXRIG_DB") or DEFAULT_DATABASE,
            help=f"the result database (default: JAXRIG_DB, else {DEFAULT_DATABASE})",
        )
        return sub

    _add_run(add("run", _run, "measure a suite and keep every sample"))
    _add_ab(add("ab", _ab, "measure two targets in turns, and say what got slower"))
    runs = add("runs", _runs, "list the stored runs, the newest first")
    runs.add_argument("--limit", type=_positive, metavar="N", help="at most N runs")
    show = add("show", _show, "show one run: its cases, samples (json) and failures")
    show.add_argument("run", help="a run's name, KEY=VALUE of a tag, latest, or latest~N")
    show.add_argument("--log", action="store_true", help="show the launches' logs instead")
    cases = add("cases", _cases, "list the cases with their cost and suites")
    cases.add_argument("--case", action="append", default=[], metavar="GLOB", help="only these")
    cases.add_argument("--suite", metavar="NAME", help="only those of a suite")
    add("targets", _targets, "list the targets that can be measured")
    add("machines", _machines, "list the machines that have results")
    compare = add("compare", _compare, "compare two stored runs case by case")
    compare.add_argument("base", help="a run's name, KEY=VALUE, latest, or latest~N")
    compare.add_argument("candidate", help="likewise")
    add("doctor", _doctor, "say what is well here, and how to mend what is not")
    return parser


def _add_run(run: argparse.ArgumentParser) -> None:
    run.add_argument("--target", default="cpu", help="see `jaxrig targets` (default: cpu)")
    what = run.add_mutually_exclusive_group()
    what.add_argument("--suite", help="quick (default), standard, full or one's own")
    what.add_argument(
        "--workloads",
        type=Path,
        metavar="PATH",
        help="instead of a suite: a folder (or file) of one's own pytest-benchmark tests",
    )
    run.add_argument(
        "--case", action="append", default=[], metavar="GLOB", help="only matching cases; repeats"
    )
    run.add_argument("--launches", type=_positive, metavar="N", help="instead of the suite's")
    run.add_argument(
        "--tag",
        action="append",
        default=[],
        metavar="K=V",
        type=_tag,
        help="label the run; repeats",
    )
    run.add_argument(
        "--isolation",
        choices=("container", "process"),
        default="container",
        help="process: without an engine, as a plain process (marked so in every result)",
    )


def _run(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.report.progress import make_progress
    from harness.runner.run import execute
    from harness.store.writer import Store

    plan = _plan(arguments)
    with Store(arguments.db) as store:
        progress = make_progress(err)
        try:
            result = execute(plan, store, progress)
        finally:
            progress.close()
    _print(_stored_run(arguments.db, result.name), arguments, out)
    if result.failures:
        raise CasesFailed(
            f"{result.failures} failure(s); the launches' logs: "
            f"{_command('show', result.name, '--log', db=arguments.db)}"
        )
    if result.skipped and not result.measurements:
        raise EnvironmentFailure("nothing could be measured here: every case was skipped")
    if arguments.format == "table":
        _what_next(result, arguments, err)
    return 0


def _add_ab(ab: argparse.ArgumentParser) -> None:
    ab.add_argument("base", help="a target; see `jaxrig targets`")
    ab.add_argument("candidate", help="likewise: is it slower than the base?")
    ab.add_argument("--suite", default="quick", help="quick (default), standard, full or own")
    ab.add_argument(
        "--case", action="append", default=[], metavar="GLOB", help="only matching cases; repeats"
    )
    ab.add_argument("--max-pairs", type=_positive, metavar="N", help="launch pairs at most")
    ab.add_argument(
        "--max-time", type=_positive, metavar="S", help="begin no pair that would end after S s"
    )
    ab.add_argument(
        "--tag", action="append", default=[], metavar="K=V", type=_tag, help="label both runs"
    )
    ab.add_argument("--isolation", choices=("container", "process"), default="container")


def _ab(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.ab import Ab, overall, within
    from harness.config import load
    from harness.plan import make_pair_plan
    from harness.report.progress import make_progress
    from harness.report.views import ab_view
    from harness.runner.pairs import execute_pairs
    from harness.stats.judge import Rule
    from harness.store.writer import Store

    rule = within(Rule(), arguments.max_pairs or Rule().most_pairs)
    settings = load(Path.cwd())
    plan = make_pair_plan(
        settings,
        base=arguments.base,
        candidate=arguments.candidate,
        suite=arguments.suite,
        globs=arguments.case,
        pairs=rule.most_pairs,
        budget_s=arguments.max_time,
        isolation=arguments.isolation,
        tags=dict(arguments.tag),
    )
    ab = Ab(cases=plan.cases, floors={case: settings.floor(case) for case in plan.cases}, rule=rule)
    with Store(arguments.db) as store:
        progress = make_progress(err)
        try:
            done = execute_pairs(plan, store, progress, ab)
        finally:
            progress.close()
    results = ab.results(done.turned)
    _print(ab_view(done.base, done.candidate, results, overall(results)), arguments, out)
    slower = [f"{each.case} ({each.metric})" for each in results if each.verdict == "slower"]
    if slower:
        raise Regression(f"slower, and confirmed in new containers: {', '.join(slower)}")
    if done.failures:
        raise CasesFailed(f"{done.failures} failure(s); see `jaxrig show {done.candidate} --log`")
    if all(each.pairs < rule.looks[0] for each in results):
        raise TooLittleData(f"no case has {rule.looks[0]} launch pairs; raise --max-pairs")
    return 0


def _plan(arguments: argparse.Namespace) -> "Plan":
    from harness.config import load
    from harness.own import find_suite
    from harness.plan import make_own_plan, make_plan

    how = {
        "target": arguments.target,
        "launches": arguments.launches,
        "isolation": arguments.isolation,
        "tags": dict(arguments.tag),
    }
    settings = load(Path.cwd())
    if arguments.workloads is not None:
        return make_own_plan(settings, own=find_suite(arguments.workloads, arguments.case), **how)
    return make_plan(settings, suite=arguments.suite or "quick", globs=arguments.case, **how)


def _what_next(result: "Result", arguments: argparse.Namespace, err: TextIO) -> None:
    db = arguments.db
    tips = {
        _command("show", result.name, "--format", "json", db=db): "every sample and counter",
        _command(*arguments.words): "measure again, then",
        _command("compare", "latest~1", "latest", db=db): "compare",
        _command("cases"): "what else can be measured",
    }
    width = max(map(len, tips))
    lines = (f"  {command:<{width}}  {what}\n" for command, what in tips.items())
    write("\nnext:\n" + "".join(lines), err)


def _command(*words: str, db: str = DEFAULT_DATABASE) -> str:
    """A command line that works as it is printed: this program, on this database."""
    program = Path(sys.argv[0])
    known = program.name == "jaxrig" and shutil.which("jaxrig") != str(program.absolute())
    name = os.path.relpath(program) if known else "jaxrig"
    where = () if db == (os.environ.get("JAXRIG_DB") or DEFAULT_DATABASE) else ("--db", db)
    return shlex.join([name, *words, *where])


def _runs(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.report.views import runs_view
    from harness.store.reader import Reader

    with Reader(arguments.db) as reader:
        _print(runs_view(reader.runs(arguments.limit)), arguments, out)
    return 0


def _show(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.report.views import log_view
    from harness.store.reader import Reader

    if not arguments.log:
        _print(_stored_run(arguments.db, arguments.run), arguments, out)
        return 0
    with Reader(arguments.db) as reader:
        _print(log_view(reader.launches(arguments.run)), arguments, out)
    return 0


def _stored_run(db: str, reference: str) -> View:
    from harness.report.views import run_view
    from harness.store.reader import Reader

    with Reader(db) as reader:
        run = reader.run(reference)
        return run_view(
            run,
            reader.measurements(run.run),
            reader.failures(run.run),
            reader.launches(run.run),
            reader.skips(run.run),
        )


def _cases(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.config import load
    from harness.plan import cases_of
    from harness.report.views import cases_view

    settings = load(Path.cwd())
    cases = cases_of(settings, arguments.suite, arguments.case)
    _print(cases_view(settings, cases), arguments, out)
    return 0


def _targets(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.config import load
    from harness.report.views import targets_view

    _print(targets_view(load(Path.cwd())), arguments, out)
    return 0


def _machines(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.report.views import machines_view
    from harness.store.reader import Reader

    with Reader(arguments.db) as reader:
        _print(machines_view(reader.machines()), arguments, out)
    return 0


def _compare(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.compare import Side, compare
    from harness.report.views import comparison_view
    from harness.store.reader import Reader

    with Reader(arguments.db) as reader:
        base, candidate = (
            Side(
                run=run,
                measurements=reader.measurements(run.run, samples=False),
                launches=reader.launches(run.run),
            )
            for run in (reader.run(arguments.base), reader.run(arguments.candidate))
        )
        comparison = compare(base, candidate)
    _print(comparison_view(comparison), arguments, out)
    return 0


def _doctor(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.doctor import examine
    from harness.report.views import doctor_view

    findings = examine(arguments.db)
    _print(doctor_view(findings), arguments, out)
    return EnvironmentFailure.exit_code if any(f.status == "fail" for f in findings) else 0


def _print(view: View, arguments: argparse.Namespace, out: TextIO) -> None:
    write(render(view, arguments.format), out)


def _positive(text: str) -> int:
    number = int(text) if text.isdecimal() and len(text) <= len(str(_MOST)) else 0
    if not 1 <= number <= _MOST:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to {_MOST}")
    return number


def _tag(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    return key, value


if __name__ == "__main__":
    sys.exit(main())
