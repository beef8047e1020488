"""What each case loses with a resource: in turns, in containers that live at once.

One of them has two cores, the other one of these; on the second core a neighbour wakes for a visit
to the other, and takes memory's bandwidth or the disk. Minutes apart the machine differs by more.
"""

import json
import random
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Literal

from tests.benchmarks.bottleneck.antagonist import RESOURCES, Antagonist, antagonist

Condition = Literal["two", "one", "memory", "storage"]

CONDITIONS: tuple[Condition, ...] = ("two", "one", *RESOURCES)

PAIRS = 2
"""Of launches."""

VISITS = 3
"""Of each condition in a pair, in an order that is drawn anew each time."""

ROUNDS = Path(__file__).with_name("causes_rounds.py")

Seconds = Mapping[str, Sequence[float]]
"""Of a case, by condition: a call, at each visit."""


def take(
    cases: Sequence[str], image: str, cores: tuple[int, int], path: Path, say: Callable[[str], None]
) -> None:
    """Adds to `path`, a JSON object a line, every case that it does not have yet."""
    done = taken(path)
    with ExitStack() as stack:
        neighbours: dict[str, Antagonist] = {
            resource: stack.enter_context(antagonist(resource, cores[1], path.parent))
            for resource in RESOURCES
        }
        for case in cases:
            if case in done:
                continue
            say(f"cause of {case}")
            seconds: dict[str, list[float]] = {}
            for _ in range(PAIRS):
                for condition, took_s in _pair(case, image, cores, neighbours):
                    seconds.setdefault(condition, []).append(took_s)
            with path.open("a") as file:
                file.write(json.dumps({"case": case, "seconds": seconds}) + "\n")


def taken(path: Path) -> dict[str, Seconds]:
    """By case."""
    lines = path.read_text().splitlines() if path.exists() else []
    return {told["case"]: told["seconds"] for told in map(json.loads, lines)}


def _pair(
    case: str, image: str, cores: tuple[int, int], neighbours: Mapping[str, Antagonist]
) -> Iterator[tuple[Condition, float]]:
    first, second = cores
    with (
        _launched(case, image, f"{first},{second}") as two,
        _launched(case, image, f"{first}") as one,
    ):
        for _ in range(VISITS):
            for condition in random.sample(CONDITIONS, len(CONDITIONS)):
                with _beside(condition, neighbours):
                    yield condition, (two if condition == "two" else one)()


def _beside(
    condition: Condition, neighbours: Mapping[str, Antagonist]
) -> AbstractContextManager[None]:
    neighbour = neighbours.get(condition)
    return nullcontext() if neighbour is None else neighbour.awake()


@contextmanager
def _launched(case: str, image: str, cpus: str) -> Iterator[Callable[[], float]]:
    """A container that measures a visit whenever it is called: seconds of a call."""
    inside = f"/bench/{ROUNDS.name}"
    command = ["docker", "run", "--rm", "--interactive", "--network=none", "--user=0"]
    command += [
        f"--cpuset-cpus={cpus}",
        "--env=JAX_PLATFORMS=cpu",
        "--env=HOME=/tmp",
        "--env=JAXRIG_SCRATCH=/scratch",
    ]
    command += ["--volume=/scratch", f"--volume={ROUNDS}:{inside}:ro", image]
    with subprocess.Popen(
        [*command, "python", inside, case],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        stdin, stdout = process.stdin, process.stdout

        def visit() -> float:
            stdin.write("\n")
            stdin.flush()
            return float(stdout.readline())

        try:
            assert stdout.readline() == "ready\n", f"{case} could not be made"
            yield visit
        finally:
            stdin.close()  # it comes to its end, and the container goes
