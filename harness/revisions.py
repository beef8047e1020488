"""Revisions: states of what is measured, each of which builds on others."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Revision:
    """`name`: a commit's hash, or `jax==VERSION`. `parents`: what it builds on, of those that it
    comes with. `date`: when its author made it, as ISO 8601 writes it; None where nobody says.
    """

    name: str
    parents: tuple[str, ...]
    subject: str = ""
    date: str | None = None
