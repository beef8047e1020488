"""The states of a regression: detected → acknowledged → fixed or ignored, or else withdrawn."""

from typing import Literal, get_args

State = Literal["detected", "acknowledged", "ignored", "fixed", "withdrawn"]
"""The first three are decided, the others derived: a later change took it back, or later points
show that there was none."""

STATES: tuple[State, ...] = get_args(State)
OPEN: tuple[State, ...] = ("detected", "acknowledged")
"""Of what takes longer still, and somebody may have to see to."""
