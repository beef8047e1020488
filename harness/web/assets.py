"""Styles and scripts of the pages."""

from collections.abc import Mapping
from pathlib import PurePosixPath

from harness.report.site import site
from harness.web.answer import Answer

_MEDIA = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}


def assets() -> Mapping[str, Answer]:
    """By their addresses."""
    return {
        f"/{path}": Answer(body=body, media=_MEDIA[PurePosixPath(path).suffix])
        for path, body in site.assets()
    }
