"""`workloads.guest` as if the CPUs that JAX runs on were NVIDIA's GPUs, and soon cool."""

import sys
from dataclasses import dataclass
from unittest.mock import patch

from workloads import environment, pauses
from workloads.guest import main


@dataclass(kw_only=True)
class Brief(pauses.Pauses):
    pause_s: float = 0.1


apart = environment.environment_apart

if __name__ == "__main__":
    with (
        patch.object(environment, "canonical_platform", lambda *_: "cuda"),
        patch.object(pauses, "Pauses", Brief),
        patch.object(environment, "environment_apart", lambda: {**apart(), "platform": "cuda"}),
    ):
        sys.exit(main(sys.argv[1:]))
