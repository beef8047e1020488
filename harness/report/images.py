"""`jaxrig images list` and `rebuild` as views."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from harness.report import quantity
from harness.report.view import View

SHORT = len("sha256:") + 12
"""Characters of a digest that a person is shown."""


class Image(Protocol):
    """What an engine says of an image (`containers` is not for reports to import)."""

    @property
    def digest(self) -> str: ...

    @property
    def tag(self) -> str: ...

    @property
    def target(self) -> str: ...

    @property
    def size_bytes(self) -> int: ...

    @property
    def created_at(self) -> datetime: ...


def images_view(images: Sequence[Image]) -> View:
    documents = [
        {
            "image": each.digest,
            "tag": each.tag,
            "target": each.target,
            "size_bytes": each.size_bytes,
            "created_at": each.created_at,
        }
        for each in images
    ]
    return View(
        document=documents,
        records=documents,
        headers=("image", "target", "tag", "size", "created"),
        rows=[
            (
                each.digest[:SHORT],
                each.target,
                each.tag,
                quantity.size(each.size_bytes),
                quantity.moment(each.created_at),
            )
            for each in images
        ],
    )


def rebuilt_view(
    changed: Sequence[str], before: Mapping[str, str], after: Mapping[str, str]
) -> View:
    """Packages that `changed`; of each its version before and after, None where it was not in."""
    documents = [
        {"package": each, "image_version": before.get(each), "rebuilt_version": after.get(each)}
        for each in changed
    ]
    return View(
        document=documents,
        records=documents,
        headers=("package", "in the image", "built anew"),
        rows=[(each, before.get(each, "–"), after.get(each, "–")) for each in changed],
    )
