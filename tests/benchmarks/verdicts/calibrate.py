"""How much ballast makes a case slower by how much: searched in one fresh container after another,
each of which draws its own memory layout; and then measured in others."""

from collections.abc import Mapping, Sequence
from typing import Any

import docker
import numpy as np

from tests.benchmarks.in_container import read
from tests.benchmarks.verdicts import CASES, SHARES
from tests.benchmarks.verdicts.images import Amounts, loaded

SEARCHES = 6
CLAIMS = 8
"""Fresh containers in which the amounts are searched, and then measured."""

Extras = Mapping[str, Mapping[str, float]]
"""By case, by share: what the ballast adds to a call, as a share of it."""


def search(client: docker.DockerClient, image: str) -> dict[str, dict[str, int]]:
    """Amounts by share, by case."""
    wholes = {each["case"]: each["whole"] for each in _run(client, loaded(client, image, {}, "0"))}
    amounts = {
        f"{share:g}": {case: max(1, round(share * whole)) for case, whole in wholes.items()}
        for share in SHARES
    }
    tried: dict[str, list[tuple[int, float]]] = {case: [] for case in CASES}
    for _ in range(SEARCHES):
        found = extras(client, image, amounts)
        for case in CASES:
            tried[case] += [(amounts[share][case], found[case][share]) for share in amounts]
        amounts = {
            share: {case: amount_for(float(share), tried[case]) for case in CASES}
            for share in amounts
        }
    return amounts


def extras(client: docker.DockerClient, image: str, amounts: Amounts) -> Extras:
    """What `amounts` add, as found in a fresh container."""
    found = _run(client, loaded(client, image, amounts, "0"))
    return {each["case"]: each["extra"] for each in found}


def amount_for(share: float, tried: Sequence[tuple[int, float]]) -> int:
    """Where a line through what was tried (amount, extra) meets `share`; what came near it weighs
    most, for the line is bent by what a call of any ballast costs."""
    amounts, extra = np.array(tried).T
    weights = 1 / (0.2 + np.abs(extra / share - 1))
    slope, offset = np.polyfit(amounts, extra, deg=1, w=weights)
    if slope <= 0:
        raise ValueError(f"more ballast is no slower: {tried}")
    return max(1, round(float((share - offset) / slope)))


def _run(client: docker.DockerClient, image: str) -> list[dict[str, Any]]:
    out = client.containers.run(
        image,
        ["python", "-m", "tests.benchmarks.verdicts.guest.extra", *CASES],
        environment={"HOME": "/tmp", "JAX_PLATFORMS": "cpu"},
        network_mode="none",
        remove=True,
    )
    return read(out.decode())
