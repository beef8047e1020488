"""Queries about what is in images; `Reader` answers by them."""

from typing import Any

from sqlalchemy import Row, ScalarSelect, Select, or_, select

from harness.contents import Contents, Distribution
from harness.store.models import EnvironmentRow, ImageRow, LaunchRow, RunRow


def contents_query(digest: str) -> Select[*tuple[Any, ...]]:
    """Images whose digest is this one or begins so, `sha256:` left out or not; at most two."""
    begins = (
        ImageRow.digest.startswith(f"{prefix}{digest}", autoescape=True)
        for prefix in ("", "sha256:")
    )
    return (
        select(
            ImageRow.digest,
            ImageRow.tag,
            ImageRow.first_seen_at,
            ImageRow.dockerfile_sha256,
            ImageRow.requirements_sha256,
            ImageRow.packages,
            ImageRow.distribution,
            _first_told().label("facts"),
        )
        .where(or_(*begins))
        .limit(2)
    )


def contents_of(row: Row[Any]) -> Contents:
    """Of a row of `contents_query`."""
    values = row._asdict()
    facts = values.pop("facts") or {}
    packages = values.pop("packages") or facts.get("packages")
    beneath = values.pop("distribution")
    return Contents(
        **values,
        packages=packages,
        distribution=None if beneath is None else Distribution(**beneath),
        python=facts.get("python"),
        platform=facts.get("platform"),
    )


def _first_told() -> ScalarSelect[dict[str, Any]]:
    """What the first launch on the image said of its software, if any did."""
    return (
        select(EnvironmentRow.facts)
        .join(LaunchRow, LaunchRow.environment_id == EnvironmentRow.id)
        .join(RunRow, LaunchRow.run_id == RunRow.id)
        .where(RunRow.image_id == ImageRow.id)
        .order_by(LaunchRow.id)
        .limit(1)
        .scalar_subquery()
    )
