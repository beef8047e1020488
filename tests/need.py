"""What a test cannot do without: elsewhere its absence skips, in CI it fails."""

import os

import pytest


def need(present: object, what: str) -> None:
    """Ends the calling test unless `present`; `what` says what is missing and how to get it."""
    if present:
        return
    if os.environ.get("CI"):
        pytest.fail(f"CI needs what is missing here: {what}")
    pytest.skip(what)
