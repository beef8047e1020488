"""Why there is no page."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class FailedPage:
    title: str
    told: str
