"""What the proof measures: in turns, by the real command, into one database that it adds to; and
what each case loses with a resource (`causes`), into a file beside it."""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.bottleneck import ENDED
from harness.store.reader import Reader, Run
from tests.benchmarks.bottleneck import causes
from tests.command import Jaxrig
from workloads.catalog import find

TARGET = """
[targets.{name}]
platform = "cpu"
dockerfile = "cpu.Dockerfile"
requirements = "cpu.requirements.txt"
env = {{ JAX_PLATFORMS = "cpu" }}
cpus = "{cpus}"
"""

TWO_CORES, ONE_CORE = "cpu-two-cores", "cpu-one-core"

TURNS = 3

CAUSES = "causes.jsonl"

HELD_OUT = ("transformer/*", "mlp/*", "vision/*", "recommender/*")
"""Of the suite `standard`; no ceiling is made of any of them."""

KNOWN = {
    "matmul/2048/f32": "compute",
    "memory/triad/128MiB/f32": "bandwidth",
    "dispatch/call/f32": "dispatch",
    "storage/records-64/write-by-1/f32": "storage",
    "collective/all-reduce/16MiB-x2/f32": "link",
}
"""What everybody knows of them."""

BETWEEN = ("transformer/mini/*",)
"""A shape between two that are measured."""

OTHERS = (
    "matmul/1024/*",
    "memory/copy/128MiB/f32",
    "memory/add/128MiB/f32",
    "memory/scale/128MiB/f32",
    "activation/relu/256MiB/f32",
    "memory/read/256MiB/f32",
    "memory/write/64MiB/f32",
    "memory/update/256MiB/f32",
    "dense/*",
    "storage/records-64MiB/sequential-direct/f32",
    "storage/records-64MiB/random-direct/f32",
)
"""Cases besides, whose resources are taken away."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """A run. `kind`: of which turn `turn` is one."""

    kind: str
    turn: int
    target: str
    words: tuple[str, ...]

    @property
    def tag(self) -> str:
        return f"step={self.kind}-{self.turn}"


def steps() -> Iterator[Step]:
    """In turns: no kind has the machine at its best for itself. What is predicted comes right after
    the ceilings that predict it: minutes later the machine may be another one."""
    cases = (*HELD_OUT, *KNOWN, *OTHERS)
    held_out = ("--suite", "standard", "--no-ceilings", *_globs(cases))
    between = ("--suite", "full", *_globs(BETWEEN))
    for turn in range(TURNS):
        yield Step(kind="ceilings", turn=turn, target=TWO_CORES, words=("--suite", "ceilings"))
        yield Step(kind="between", turn=turn, target=TWO_CORES, words=between)
        yield Step(kind="cases", turn=turn, target=TWO_CORES, words=held_out)
        yield Step(
            kind="one-core-ceilings", turn=turn, target=ONE_CORE, words=("--suite", "ceilings")
        )


def measure(folder: Path, say: Callable[[str], None]) -> None:
    """Every step that the database in `folder` does not have yet, and every case's causes."""
    jaxrig = Jaxrig(folder=folder)
    first, second = _cores()
    cpus = {TWO_CORES: f"{first},{second}", ONE_CORE: f"{first}"}
    jaxrig.configure("".join(TARGET.format(name=name, cpus=cpus[name]) for name in cpus))
    for step in steps():
        if _is_done(jaxrig, step):
            continue
        say(step.tag)
        words = ("run", "--target", step.target, "--launches", "1", "--tag", step.tag, *step.words)
        done = jaxrig(*words, timeout_s=1800)
        # A case that is skipped or fails is told of by what is missing.
        assert done.code in (0, 4), done.err
    shown = json.loads(jaxrig("show", f"step=cases-{TURNS - 1}", "--format", "json").out)
    cases = [each["case"] for each in shown["measurements"] if find(each["case"]).devices == 1]
    causes.take(cases, shown["image"], (first, second), folder / CAUSES, say)


def _is_done(jaxrig: Jaxrig, step: Step) -> bool:
    """Not where it was interrupted."""
    shown = jaxrig("show", step.tag, "--format", "json")
    return shown.code == 0 and json.loads(shown.out)["status"] in ENDED


KINDS = ("ceilings", "cases", "between", "one-core-ceilings")


def turns(reader: Reader) -> Sequence[Mapping[str, Run]]:
    """Of each turn that was measured as a whole its runs by kind, each the newest. Raises
    `LookupError` where there is none, or where they ran on several machines or images."""
    newest = {run.tags.get("step"): run for run in reversed(reader.runs()) if run.status in ENDED}
    every = ({kind: newest.get(f"{kind}-{turn}") for kind in KINDS} for turn in range(TURNS))
    found = [
        {kind: run for kind, run in turn.items() if run is not None}
        for turn in every
        if None not in turn.values()
    ]
    if not found:
        raise LookupError("no turn was measured as a whole yet")
    for kind in KINDS:
        if len({(turn[kind].machine, turn[kind].image) for turn in found}) > 1:
            raise LookupError(
                f"{kind} was measured on several machines or images; use another --state"
            )
    return found


def _globs(cases: Sequence[str]) -> tuple[str, ...]:
    return tuple(word for case in cases for word in ("--case", case))


def _cores() -> tuple[int, int]:
    """Two of this process's."""
    first, second, *_ = sorted(os.sched_getaffinity(0))
    return first, second
