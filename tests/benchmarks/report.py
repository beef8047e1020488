"""One line of `make bench`: a figure, its bound, and whether it is kept."""

import json
import sys
from dataclasses import asdict, dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Figure:
    """`value` against `bound`, both in `unit`; `detail` holds what it was computed from."""

    bench: str
    value: float
    unit: str
    bound: float
    detail: dict[str, object]
    better: Literal["lower", "higher"] = "lower"

    def print(self) -> None:
        """Writes it as one JSON object on stdout."""
        kept = self.value <= self.bound if self.better == "lower" else self.value >= self.bound
        sys.stdout.write(json.dumps(asdict(self) | {"ok": kept}) + "\n")
        sys.stdout.flush()
