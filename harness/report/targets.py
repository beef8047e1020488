"""`jaxrig targets` as a view."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from harness.report import quantity
from harness.report.fitting import Fitting
from harness.report.images import SHORT
from harness.report.view import View

if TYPE_CHECKING:
    from harness.config import Settings


class Image(Protocol):
    """What an engine lists of an image (`containers` is not for reports to import)."""

    @property
    def digest(self) -> str: ...

    @property
    def size_bytes(self) -> int: ...

    @property
    def created_at(self) -> datetime: ...


class Standing(Protocol):
    """See `harness.runner.standing`."""

    @property
    def image(self) -> Image | None: ...

    @property
    def why_not(self) -> str | None: ...


def targets_view(settings: "Settings", standings: Mapping[str, Standing], now: datetime) -> View:
    """`now`: what the age of images is counted to."""
    documents = [
        {"name": name, **target.model_dump(mode="json"), **_facts(standings[name])}
        for name, target in settings.targets.items()
    ]
    return View(
        document=documents,
        records=documents,
        headers=("target", "runs here", "platform", "image", "size", "age"),
        rows=[
            (
                name,
                "no" if standings[name].why_not else "yes",
                target.platform,
                *_image(standings[name].image, target.isolation, now),
            )
            for name, target in settings.targets.items()
        ],
        notes=_reasons(standings),
        fitting=Fitting(names=0, essential=2),
    )


def _facts(standing: Standing) -> dict[str, Any]:
    image = standing.image
    return {
        "runs_here": standing.why_not is None,
        "why_not": standing.why_not,
        "image_digest": None if image is None else image.digest,
        "image_size_bytes": None if image is None else image.size_bytes,
        "image_created_at": None if image is None else image.created_at,
    }


def _image(image: Image | None, isolation: str, now: datetime) -> tuple[str, str, str]:
    if image is None:
        return ("not built" if isolation == "container" else "none: plain processes", "", "")
    age_s = (now - image.created_at).total_seconds()
    return (image.digest[:SHORT], quantity.size(image.size_bytes), quantity.age(age_s))


def _reasons(standings: Mapping[str, Standing]) -> list[str]:
    """Each once, with all targets that it holds for."""
    found: dict[str, list[str]] = {}
    for name, standing in standings.items():
        if standing.why_not is not None:
            found.setdefault(standing.why_not, []).append(name)
    return [f"{', '.join(names)}: {reason}" for reason, names in found.items()]
