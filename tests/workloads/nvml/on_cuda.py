"""`workloads.guest` as if the CPUs that JAX runs on were NVIDIA's GPUs."""

import sys
from unittest.mock import patch

from workloads import environment
from workloads.guest import main

apart = environment.environment_apart

if __name__ == "__main__":
    with (
        patch.object(environment, "canonical_platform", lambda *_: "cuda"),
        patch.object(environment, "environment_apart", lambda: {**apart(), "platform": "cuda"}),
    ):
        sys.exit(main(sys.argv[1:]))
