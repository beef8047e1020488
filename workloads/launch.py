"""One launch: `python -m workloads.launch [--devices N] [--turns N,... | --profile] --case ID ...`.

Or `--known` for what cases there are, without measuring any.

stdout carries records (JSON Lines) and nothing else; everything that anybody prints, C++
included, goes to stderr. Exit status: 0 all measured, 2 unknown case, 4 a case failed.
"""

import argparse
import gc
import os
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workloads.catalog import CASES, UnknownCase, find
from workloads.nvml import order_by_bus
from workloads.stream import SCHEMA_VERSION, Stream

OK = 0
USAGE = 2
CASE_FAILED = 4

_STDOUT, _STDERR = 1, 2

_ACCELERATORS = tuple(map(Path, ("/dev/nvidiactl", "/dev/kfd", "/dev/accel0", "/dev/vfio/0")))
"""Device files of NVIDIA's and AMD's GPUs, and of TPUs."""


def main(arguments: Sequence[str]) -> int:
    """Measures the cases named in `arguments`; returns the exit status."""
    stream = Stream(take_stdout())
    end_at_once_on(signal.SIGTERM)
    try:
        chosen = parse(arguments)
    except UnknownCase as error:
        sys.stderr.write(f"{error.args[0]}\n")
        return USAGE
    if chosen.known:
        stream.send(known())
        return OK
    if not on_cpu():
        order_by_bus()
    elif chosen.devices > 1:
        force_devices(chosen.devices)
    if any(find(case).alone for case in chosen.cases):
        os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"
    return measure_all(chosen.cases, stream, chosen.turns, profiled=chosen.profiled)


def take_stdout() -> int:
    """A descriptor for what was stdout; descriptor 1 writes to stderr from now on."""
    sys.stdout.flush()
    records = os.dup(_STDOUT)
    os.dup2(_STDERR, _STDOUT)
    return records


def end_at_once_on(number: signal.Signals) -> None:
    """Ends the process when `number` arrives, whatever it is doing.

    A Python handler would wait for C++ to return, and the default action does not exist for
    process 1 of a container. A blocked signal reaches `sigwait` in a thread of its own; JAX's
    threads are started later and inherit the mask.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {number})

    def wait() -> None:
        signal.sigwait({number})
        os._exit(128 + number)

    threading.Thread(target=wait, name="sigwait", daemon=True).start()


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What a launch is asked for. `turns`: rounds of each case, in turns; None: not in turns.
    `profiled`: not to be timed. `known`: only to tell what cases there are."""

    cases: tuple[str, ...]
    devices: int
    turns: Mapping[str, int] | None
    profiled: bool
    known: bool


def parse(arguments: Sequence[str]) -> Chosen:
    """The command line; all cases are known to exist. Raises `UnknownCase`."""
    parser = argparse.ArgumentParser(prog="python -m workloads.launch", description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--case", action="append", default=[], metavar="ID", dest="cases")
    what.add_argument("--known", action="store_true", help="tell which cases there are, and end")
    parser.add_argument("--devices", type=int, default=1, metavar="N", help="forced on CPU")
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--turns", type=_numbers, metavar="N[,N...]", help="rounds of each case, when stdin says go"
    )
    how.add_argument("--profile", action="store_true", help="trace the cases, and time none")
    chosen = parser.parse_args(arguments)
    cases = tuple(find(case_id).id for case_id in chosen.cases)
    turns = chosen.turns
    if turns is not None and len(turns) != len(cases):
        parser.error(f"--turns has {len(turns)} numbers for {len(cases)} cases")
    return Chosen(
        cases=cases,
        devices=chosen.devices,
        turns=None if turns is None else dict(zip(cases, turns, strict=True)),
        profiled=chosen.profile,
        known=chosen.known,
    )


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(",")))


def known() -> dict[str, Any]:
    """The record that tells every case, and what it computes: an image may be older than who
    asks."""
    cases = {case.id: case.definition for case in CASES}
    return {"schema": SCHEMA_VERSION, "kind": "known", "cases": cases}


def on_cpu() -> bool:
    """Whether JAX will run on the CPU, as far as can be told before it is imported."""
    wanted = os.environ.get("JAX_PLATFORMS", "")
    if wanted:
        return wanted.split(",")[0] == "cpu"
    return not any(path.exists() for path in _ACCELERATORS)


def force_devices(count: int) -> None:
    """Makes JAX see `count` CPU devices. XLA reads its flags once, when it is loaded; of two
    equal ones it takes the last."""
    flag = f"--xla_force_host_platform_device_count={count}"
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {flag}".strip()


def measure_all(
    case_ids: Sequence[str],
    stream: Stream,
    rounds: Mapping[str, int] | None = None,
    *,
    profiled: bool = False,
) -> int:
    """Runs pytest over `case_ids`, in the catalogue's order, with records on `stream`.

    `rounds`: of each case, in turns; None where nobody waits for this launch. `profiled`: under
    JAX's profiler, and not timed.
    """
    # The user's own pytest settings must not change how the cases are timed.
    for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS"):
        os.environ.pop(name, None)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    import pytest

    from workloads.environment import environment
    from workloads.prepare import disable_compilation_cache
    from workloads.recorder import Recorder
    from workloads.turns import Alone, Taken, TurnTaking

    disable_compilation_cache()
    stream.send(environment())
    gc.freeze()  # what is imported stays: collecting before each case then takes no 40 ms
    recorder = Recorder(stream.send)
    turns = Alone() if rounds is None else Taken(rounds, stream.send, sys.stdin)
    options = [f"--case={case_id}" for case_id in case_ids]
    tests = str(Path(__file__).with_name("profile_cases.py" if profiled else "test_cases.py"))
    arguments = [tests, "-p", "pytest_benchmark.plugin", "--capture=no", *options]
    status = pytest.main(arguments, plugins=[recorder, TurnTaking(turns)])
    return OK if status == pytest.ExitCode.OK and not recorder.failed else CASE_FAILED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
