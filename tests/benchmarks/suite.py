"""What the harness adds to a suite: its wall time over bare containers running the same cases."""

import statistics
import time
from pathlib import Path

import docker

from harness.plan import BUILT_IN_SUITES
from tests.benchmarks.report import Figure
from tests.command import Jaxrig

PAIRS = 3
BOUND = 1.05
SUITE = "quick"


def overhead(folder: Path, client: docker.DockerClient) -> Figure:
    """`jaxrig run` over `docker run … pytest --benchmark-json`, in turns, launch for launch."""
    jaxrig = Jaxrig(folder=folder)
    image = warm_up(jaxrig)
    harness_s, bare_s = [], []
    for pair in range(PAIRS):
        # ABBA: neither side always runs on the machine that the other has warmed.
        for side in ("harness", "bare") if pair % 2 == 0 else ("bare", "harness"):
            start = time.perf_counter()
            if side == "harness":
                measure(jaxrig)
                harness_s.append(time.perf_counter() - start)
            else:
                for _ in range(BUILT_IN_SUITES[SUITE]):
                    run_bare(client, image)
                bare_s.append(time.perf_counter() - start)
    ratios = [ours / bare for ours, bare in zip(harness_s, bare_s, strict=True)]
    return Figure(
        bench="suite wall time, harness over bare docker run",
        value=round(statistics.median(ratios), 4),
        unit="ratio",
        bound=BOUND,
        detail={"harness_s": harness_s, "bare_s": bare_s, "ratios": ratios},
    )


def warm_up(jaxrig: Jaxrig) -> str:
    """The image's digest, built and measured once."""
    done = jaxrig("run", "--case", "matmul/256/f32", "--launches", "1", timeout_s=900)
    assert done.code == 0, done.err
    return str(jaxrig.json("show", "latest")["image"])


def measure(jaxrig: Jaxrig) -> None:
    done = jaxrig("run", "--suite", SUITE, timeout_s=900)
    assert done.code == 0, done.err


def run_bare(client: docker.DockerClient, image: str) -> None:
    """One launch as anybody would do it without jaxrig."""
    client.containers.run(
        image,
        ["python", "-m", "pytest", "workloads", "--suite", SUITE, "--benchmark-json=/tmp/out.json"],
        environment={"HOME": "/tmp", "JAX_PLATFORMS": "cpu"},
        network_mode="none",
        remove=True,
    )
