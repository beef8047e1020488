"""One launch of a suite of one's own: `python -m workloads.guest --root FOLDER [--case ID]...`.

The suite is any folder of pytest-benchmark tests, JAX or not, with its own conftest.py and pytest
settings. `--collect` tells what is in it and runs nothing; with `--turns` each test, and each round
of a pedantic one, waits for a line on stdin. stdout carries records (JSON Lines) and
nothing else, as in `workloads.launch`. Exit status: 0 all went well, 4 something failed, 2 usage.
"""

import argparse
import configparser
import os
import signal
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from workloads.launch import CASE_FAILED, OK, on_cpu, take_stdout
from workloads.stream import Stream

NO_SETTINGS = Path(os.devnull)

_SETTINGS = {
    "pytest.toml": None,
    "pytest.ini": None,
    "pyproject.toml": "tool.pytest",
    "tox.ini": "pytest",
    "setup.cfg": "tool:pytest",
}
"""Files in which pytest looks for its settings, in its order, and the section that must be there
(None: none must). Hidden ones reach no container."""


def main(arguments: Sequence[str]) -> int:
    """Measures (or tells) what `arguments` name; returns the exit status."""
    stream = Stream(take_stdout())
    # Not masked, as in `workloads.launch`: what a suite starts would inherit that.
    signal.signal(signal.SIGTERM, lambda number, _: os._exit(128 + number))
    parser = argparse.ArgumentParser(prog="python -m workloads.guest", description=__doc__)
    parser.add_argument("--root", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--file", metavar="NAME", help="of the folder, only this file")
    parser.add_argument("--case", action="append", default=[], metavar="ID", dest="cases")
    parser.add_argument("--collect", action="store_true", help="tell the ids, run nothing")
    parser.add_argument("--turns", action="store_true", help="wait until stdin says go")
    chosen = parser.parse_args(arguments)
    if not chosen.collect and not chosen.cases:
        parser.error("name a --case, or --collect")
    cases = None if chosen.collect else chosen.cases
    tokens = take_stdin() if chosen.turns else None
    return run(chosen.root, chosen.file, cases, stream, tokens)


def take_stdin() -> IO[str]:
    """What was stdin; the suite, and what it starts, finds nothing there."""
    tokens = os.fdopen(os.dup(sys.stdin.fileno()))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, sys.stdin.fileno())
    os.close(nothing)
    return tokens


def run(
    root: Path,
    file: str | None,
    cases: Sequence[str] | None,
    stream: Stream,
    tokens: IO[str] | None = None,
) -> int:
    """Runs pytest in `root` over `cases` (None: only tells what there is), in turns where there are
    `tokens`."""
    for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_DISABLE_PLUGIN_AUTOLOAD"):
        os.environ.pop(name, None)  # the user's shell is no part of the suite
    import pytest

    from workloads.environment import environment_apart
    from workloads.guest_gpus import GuestGpus
    from workloads.guest_plugin import Collector, GuestRecorder, NoFiles
    from workloads.guest_turns import GuestTurns
    from workloads.nvml import order_by_bus
    from workloads.pauses import Pauses
    from workloads.turns import Taken

    recorder = None
    plugins: list[Any] = [NoFiles()]
    if cases is None:
        plugins.append(Collector(stream.send))
    else:
        if not on_cpu():
            order_by_bus()
        found = environment_apart()
        stream.send(found)
        if found["platform"] == "cuda":
            plugins.append(GuestGpus(Pauses() if tokens is None else None))
        recorder = GuestRecorder(stream.send, cases, in_order=tokens is not None)
        plugins.append(recorder)
    if tokens is not None:
        plugins.append(GuestTurns(Taken({}, stream.send, tokens)))
    step_aside()
    os.chdir(root)
    status = pytest.main(pytest_arguments(root, file, collect=cases is None), plugins=plugins)
    well = status == pytest.ExitCode.OK and not (recorder and recorder.failed)
    return OK if well else CASE_FAILED


def pytest_arguments(root: Path, file: str | None, *, collect: bool) -> list[str]:
    """pytest's command line. What is above `root` is no part of the suite: no settings or
    conftest.py are taken from there, so that a case has the same id wherever the folder lies."""
    return [
        str(root if file is None else root / file),
        f"--rootdir={root}",
        f"--confcutdir={root}",
        *("-c", str(settings_of(root))),
        *("-p", "no:cacheprovider"),
        *("-p", "no:jaxrig"),  # an installed jaxrig's plugin, which is out of sight by now
        "--continue-on-collection-errors",
        "--maxfail=0",  # one failure says nothing about the other cases
        *(("--collect-only", "-q") if collect else ()),
    ]


def settings_of(root: Path) -> Path:
    """The file in `root` with pytest's settings; an empty one where there is none."""
    for name, section in _SETTINGS.items():
        path = root / name
        if path.is_file() and (section is None or _has(path, section)):
            return path
    return NO_SETTINGS


def _has(path: Path, section: str) -> bool:
    if path.suffix == ".toml":
        return "pytest" in tomllib.loads(path.read_text()).get("tool", {})
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(path)
    return parser.has_section(section)


def step_aside() -> None:
    """Takes this package out of the suite's sight: it may have a package of the same name, and
    its child processes (multiprocessing runs the main module again) know nothing of ours."""
    ours = str(Path(__file__).parents[1])
    if sys.path and sys.path[0] == ours:  # put there by `python -m`
        del sys.path[0]
    folders = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if ours in folders and ours in sys.path:
        sys.path.remove(ours)
        os.environ["PYTHONPATH"] = os.pathsep.join(each for each in folders if each != ours)
    for name in [each for each in sys.modules if each.partition(".")[0] == "workloads"]:
        del sys.modules[name]
    program = sys.modules["__main__"]
    program.__spec__ = None
    program.__dict__.pop("__file__", None)
    # The suite's folder stays as it is.
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
