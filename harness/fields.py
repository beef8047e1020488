"""What the fields of a record may hold: bounds that every value keeps, whoever sends it."""

import json
from typing import Annotated

from pydantic import AfterValidator, Field, JsonValue

Text = Annotated[str, Field(max_length=4096)]
LongText = Annotated[str, Field(max_length=65536)]
# A path of the catalogue, or pytest's id of a test of one's own: anything that can be printed.
CaseId = Annotated[str, Field(min_length=1, max_length=512, pattern=r"^[^\p{C}\p{Zl}\p{Zp}]+$")]
Seconds = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
PositiveSeconds = Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)]
# Bounded, so that no sum or mean of what is accepted overflows.
Amount = Annotated[float, Field(ge=0, le=1e30, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, lt=2**63)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Whole = Annotated[int, Field(ge=-(2**63), lt=2**63)]


def _writable(values: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Refuses NaN and infinities, which JSON does not have, however deep."""
    json.dumps(values, allow_nan=False)
    return values


Facts = Annotated[dict[Text, JsonValue], AfterValidator(_writable)]
"""What a suite of one's own tells in words of its own."""
