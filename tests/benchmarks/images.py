"""How long an image costs when it is current, and when a workload was edited."""

import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import docker

from containers.assets import assets
from containers.images import Images
from containers.recipe import Recipe
from tests.benchmarks.report import Figure
from tests.checkout import ROOT, Checkout

CHECK_BOUND_S = 0.2
REBUILD_BOUND_S = 2.0
REPEATS = 9


def checks(folder: Path, client: docker.DockerClient) -> Iterator[Figure]:
    """An unchanged image, and one whose workload was edited before each try."""
    recipe = Recipe(
        name="cpu",
        dockerfile=assets() / "cpu.Dockerfile",
        requirements=assets() / "cpu.requirements.txt",
    )
    images = Images(client, ROOT / "workloads", lambda _line: None)
    images.ensure(recipe)
    unchanged = [_duration_s(images, recipe) for _ in range(REPEATS)]
    yield Figure(
        bench="check of an unchanged image",
        value=round(statistics.median(unchanged), 4),
        unit="s",
        bound=CHECK_BOUND_S,
        detail={"slowest_s": max(unchanged), "repeats": REPEATS},
    )
    checkout = Checkout.into(folder / "edited")
    edited = Images(client, checkout.folder / "workloads", lambda _line: None)
    rebuilt = []
    for number in range(REPEATS):
        with (checkout.folder / "workloads" / "dense.py").open("a") as file:
            file.write(f"# edit {time.time_ns()}, {number}\n")
        rebuilt.append(_duration_s(edited, recipe))
    yield Figure(
        bench="rebuild after an edited workload",
        value=round(statistics.median(rebuilt), 4),
        unit="s",
        bound=REBUILD_BOUND_S,
        detail={"slowest_s": max(rebuilt), "repeats": REPEATS},
    )


def _duration_s(images: Images, recipe: Recipe) -> float:
    start = time.perf_counter()
    images.ensure(recipe)
    return time.perf_counter() - start
