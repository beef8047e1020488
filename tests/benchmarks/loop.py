"""What the timing policy adds to a call: its median over that of a bare loop.

Both time the same compiled call in the same process of one container, round by round in
turns. The half that runs in the container is `bare_loop.py`.
"""

import docker

from tests.benchmarks.in_container import results
from tests.benchmarks.report import Figure

BOUND = 0.01


def distance(client: docker.DockerClient, image: str) -> Figure:
    """The largest |ratio - 1| of medians over cases of unlike kinds."""
    ratios = {each["case"]: each["ratio"] for each in results(client, image, "bare_loop.py")}
    assert len(ratios) >= 4, ratios
    return Figure(
        bench="median of a case, harness over a bare loop",
        value=round(max(abs(ratio - 1) for ratio in ratios.values()), 5),
        unit="distance from 1",
        bound=BOUND,
        detail={"ratios": ratios},
    )
