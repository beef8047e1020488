"""`jaxrig ceilings`."""

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from harness.cli.run import check, measured
from harness.cli.words import show

if TYPE_CHECKING:
    from harness.plan import Plan


def add(ceilings: argparse.ArgumentParser) -> None:
    ceilings.add_argument("--target", default="cpu", help="see `jaxrig targets` (default: cpu)")
    ceilings.add_argument("--isolation", choices=("container", "process"), help="as of `run`")
    which = ceilings.add_mutually_exclusive_group()
    which.add_argument(
        "--refresh", action="store_true", help="measure them again (about a minute on 2 cores)"
    )
    which.add_argument("--run", metavar="RUN", help="instead: those that this run measured")


def ceilings(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.limits import hardware_of_run
    from harness.report.ceilings import ceilings_view
    from harness.store.reader import Reader

    name = arguments.run or (None if arguments.refresh else _stored(arguments))
    if name is None:
        name = _measured(arguments, err)
    with Reader(arguments.db) as reader:
        run = reader.run(name)
        machine, points = hardware_of_run(reader, run)
    show(ceilings_view(run.run, machine, points), arguments, out)
    return 0


def _measured(arguments: argparse.Namespace, err: TextIO) -> str:
    """A new run's name. Raises as `jaxrig run` does."""
    (result,) = measured([_plan(arguments)], arguments.db, err)
    check([result], arguments.db)
    return result.name


def _plan(arguments: argparse.Namespace) -> "Plan":
    from harness.config import load
    from harness.plan import make_plan
    from workloads.catalog import CEILINGS

    how = {"target": arguments.target, "isolation": arguments.isolation}
    return make_plan(load(Path.cwd()), suite=CEILINGS, **how)


def _stored(arguments: argparse.Namespace) -> str | None:
    """The newest run of this machine that measured them all."""
    from harness.bottleneck import Incomplete, measured_ceilings
    from harness.errors import NoResults
    from harness.limits import complete, hardware_of_run
    from harness.machine import this_machine
    from harness.store.reader import Reader

    try:
        reader = Reader(arguments.db)
    except NoResults:
        return None
    wanted = (this_machine().fingerprint, arguments.target, _plan(arguments).isolation)
    with reader:
        found = [
            run
            for run in measured_ceilings(reader.runs())
            if (run.machine, run.target, run.isolation) == wanted
        ]
        if not found:
            return None
        try:
            return complete(found, partial(hardware_of_run, reader))[0].run
        except Incomplete:
            return None
