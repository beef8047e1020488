"""Sessions of pytest in processes of their own, which find jaxrig's plugin by themselves."""

import os
import subprocess
import sys
from pathlib import Path

from tests.checkout import ROOT

PYTEST = """
import signal, sys, pytest
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(pytest.main())
"""
"""Who is started in the background ignores SIGINT, and so do those whom it starts; a suite that
somebody sits before does not."""


def pytest_in(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """With jaxrig's packages in sight."""
    return subprocess.run(
        [sys.executable, "-c", PYTEST, "-q", "-p", "no:cacheprovider", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu", **variables},
        capture_output=True,
        text=True,
        check=False,
    )
