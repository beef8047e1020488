"""What the timing policy adds to a call: its median over that of a bare loop.

Both time the same compiled call in the same process of one container, round by round in
turns. The half that runs in the container is `bare_loop.py`.
"""

import json
from pathlib import Path

import docker

from tests.benchmarks.report import Figure

BOUND = 0.01


def distance(client: docker.DockerClient, image: str) -> Figure:
    """The largest |ratio - 1| of medians over cases of unlike kinds."""
    program = Path(__file__).with_name("bare_loop.py")
    out = client.containers.run(
        image,
        ["python", "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", "/bench/bare_loop.py"],
        environment={"HOME": "/tmp", "JAX_PLATFORMS": "cpu"},
        volumes={str(program): {"bind": "/bench/bare_loop.py", "mode": "ro"}},
        network_mode="none",
        remove=True,
    )
    marked = (line for line in out.decode().splitlines() if "LOOP " in line)
    results = [json.loads(line.partition("LOOP ")[2]) for line in marked]
    ratios = {each["case"]: each["ratio"] for each in results}
    assert len(ratios) >= 4, out.decode()
    return Figure(
        bench="median of a case, harness over a bare loop",
        value=round(max(abs(ratio - 1) for ratio in ratios.values()), 5),
        unit="distance from 1",
        bound=BOUND,
        detail={"ratios": ratios},
    )
