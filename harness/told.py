"""What a data frame tells, and where it tells nothing."""

import math
from typing import Any


def told(value: Any) -> Any:
    """None for what was not measured: beside texts and numbers pandas has NaN for it, which JSON
    does not have."""
    return None if isinstance(value, float) and math.isnan(value) else value


def count(value: Any) -> int | None:
    """A whole number, which pandas writes with a point where another one is not known."""
    known = told(value)
    return None if known is None else int(known)
