"""Is our Transformer what a good user would run? Its time over the same model in plain Flax.

Flax is no part of the images: both run in this Python, in one process, round by round in turns.
The half that runs there is `flax_rounds.py`.
"""

import os
import subprocess
import sys

from tests.benchmarks.in_container import read
from tests.benchmarks.report import Figure
from tests.checkout import ROOT

BOUND = 1.0


def ratios() -> list[Figure]:
    """Decode and train step."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider"),
            "tests/benchmarks/flax_rounds.py",
        ],
        cwd=ROOT,
        env={**os.environ, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=True,
    )
    return [
        Figure(
            bench=f"transformer/nano/{found['phase']}/f32 over the same model in Flax",
            value=round(found["ratio"], 4),
            unit="ratio",
            bound=BOUND,
            detail=found,
        )
        for found in read(done.stdout)
    ]
