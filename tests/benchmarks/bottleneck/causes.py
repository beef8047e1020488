"""What each case loses with a resource: round by round in turns, in containers that live at once.

One of them has two cores, the other one of these; on the second core a neighbour wakes for a round
of the other's, and takes memory's bandwidth or the disk. Minutes apart the machine differs by more.
"""

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Literal

from containers.docker_engine import DockerEngine, connect
from containers.engine import Running
from containers.spec import LaunchSpec, Limits
from harness.records import Failure, Measurement, Ready, Skipped, parse
from tests.benchmarks.bottleneck.antagonist import RESOURCES, Antagonist, antagonist
from workloads.catalog import Case, find

Condition = Literal["two", "one", "memory", "storage"]

CONDITIONS: tuple[Condition, ...] = ("two", "one", *RESOURCES)

PAIRS = 2
"""Of launches: the system's scheduler may leave all threads of one on the same core (seen)."""

VISITS = 4
"""Of each condition in a pair, in an order that is drawn anew each time."""

ROUNDS = 4
"""Of a visit, one after the other; the first finds the caches as another condition left them, and
is not told."""

QUIET_S = 120.0
"""So long a launch may say nothing."""

Seconds = Mapping[str, Sequence[float]]
"""Of a case, by condition: a call, the median of each visit's rounds."""


def take(
    cases: Sequence[str], image: str, cores: tuple[int, int], path: Path, say: Callable[[str], None]
) -> None:
    """Adds to `path`, a JSON object a line, every case that it does not have yet."""
    done = taken(path)
    client = connect()
    with ExitStack() as stack:
        neighbours: dict[str, Antagonist] = {
            resource: stack.enter_context(antagonist(resource, cores[1], path.parent))
            for resource in RESOURCES
        }
        for case in cases:
            if case in done:
                continue
            say(f"cause of {case}")
            pairs = [
                _in_turns(DockerEngine(client), find(case), image, cores, neighbours)
                for _ in range(PAIRS)
            ]
            seconds = {
                condition: [each for pair in pairs for each in pair[condition]]
                for condition in CONDITIONS
                if all(pairs)
            }
            with path.open("a") as file:
                file.write(json.dumps({"case": case, "seconds": seconds}) + "\n")
    client.close()


def taken(path: Path) -> dict[str, Seconds]:
    """By case; of what failed or was skipped no seconds."""
    lines = path.read_text().splitlines() if path.exists() else []
    return {told["case"]: told["seconds"] for told in map(json.loads, lines)}


def _in_turns(
    engine: DockerEngine,
    case: Case,
    image: str,
    cores: tuple[int, int],
    neighbours: Mapping[str, Antagonist],
) -> Seconds:
    """Empty where the case cannot run."""
    first, second = cores
    both, alone = f"{first},{second}", f"{first}"
    orders = [random.sample(CONDITIONS, len(CONDITIONS)) for _ in range(VISITS)]
    with (
        _launched(engine, case, image, both, ROUNDS * VISITS) as two,
        _launched(engine, case, image, alone, ROUNDS * VISITS * (len(CONDITIONS) - 1)) as one,
    ):
        for launch in (two, one):
            launch.go()  # it makes the case
        for launch in (two, one):
            launch.go()  # it warms up
        for order in orders:
            for condition in order:
                with _beside(condition, neighbours):
                    for _ in range(ROUNDS):
                        (two if condition == "two" else one).go()
        told = {"two": two.samples_s, "one": one.samples_s}
    if not all(told.values()):
        return {}
    others = [condition for order in orders for condition in order if condition != "two"]
    found: dict[str, list[float]] = {"two": list(_visits(told["two"]))}
    for condition, took_s in zip(others, _visits(told["one"]), strict=True):
        found.setdefault(condition, []).append(took_s)
    return found


def _visits(samples_s: Sequence[float]) -> Iterator[float]:
    for start in range(0, len(samples_s), ROUNDS):
        yield median(samples_s[start + 1 : start + ROUNDS])


def _beside(
    condition: Condition, neighbours: Mapping[str, Antagonist]
) -> AbstractContextManager[None]:
    neighbour = neighbours.get(condition)
    return nullcontext() if neighbour is None else neighbour.awake()


@dataclass
class _Launch:
    """It waits for a turn, or has ended. `samples_s`: of all rounds, once they are over."""

    running: Running
    samples_s: list[float] = field(default_factory=list)
    _bytes: bytes = b""
    _ended: bool = False

    def go(self) -> None:
        """A turn, until it waits for the next one, or ends. Of what has ended there is none."""
        if not self._ended:
            self.running.write(b"go\n")
            self.wait()

    def wait(self) -> None:
        for line in self._lines():
            record = parse(line)
            if isinstance(record, Measurement):
                self.samples_s = list(record.samples_s)
            if isinstance(record, Ready):
                return
            if isinstance(record, Failure | Skipped):
                break
        self._ended = True

    def _lines(self) -> Iterator[bytes]:
        while True:
            line, end, rest = self._bytes.partition(b"\n")
            if end:
                self._bytes = rest
                yield line
                continue
            more = self.running.read(QUIET_S)
            assert more is not None, f"nothing was said for {QUIET_S:.0f} s: {self.running.log()}"
            if not more:
                return
            self._bytes += more


@contextmanager
def _launched(
    engine: DockerEngine, case: Case, image: str, cpus: str, rounds: int
) -> Iterator[_Launch]:
    command = ("-m", "workloads.launch", "--turns", str(rounds), "--case", case.id)
    spec = LaunchSpec(
        command=command,
        image=image,
        env={"JAX_PLATFORMS": "cpu"},
        limits=Limits(cpus=cpus),
        scratch=case.cost.storage_bytes > 0,
        stdin=True,
    )
    with engine.start(spec) as running:
        launch = _Launch(running)
        launch.wait()
        yield launch
