"""`jaxrig images list` as a view."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from harness.report import quantity
from harness.report.view import View

_SHORT = len("sha256:") + 12


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
                each.digest[:_SHORT],
                each.target,
                each.tag,
                quantity.size(each.size_bytes),
                quantity.moment(each.created_at),
            )
            for each in images
        ],
    )
