"""Records to the host: JSON Lines on a file descriptor, each there as soon as it is sent."""

import json
import os
from collections.abc import Mapping
from typing import Any

SCHEMA_VERSION = 2
"""Of the record schema; equal to the one the host reads (`harness.records`)."""


class Stream:
    """Writes records to a descriptor that nothing else writes to."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def send(self, record: Mapping[str, Any]) -> None:
        """One line, complete, unbuffered. Raises `ValueError` for NaN and infinities."""
        line = json.dumps(record, allow_nan=False, separators=(",", ":")).encode() + b"\n"
        while line:
            line = line[os.write(self._descriptor, line) :]
