"""What a Linux distribution put beneath Python: the packages that dpkg knows."""

import platform
from pathlib import Path
from typing import Any

_STATUS = Path("/var/lib/dpkg/status")


def distribution() -> dict[str, Any] | None:
    """Its name and release, as /etc/os-release has them, and the version of every package. None
    where dpkg keeps no list (another distribution, or none)."""
    packages = installed()
    if packages is None:
        return None
    named = platform.freedesktop_os_release()
    return {"name": named["ID"], "release": named.get("VERSION_ID"), "packages": packages}


def installed(status: Path = _STATUS) -> dict[str, str] | None:
    """Version of every installed package by its name and architecture, as `libc6:amd64`, sorted.

    The file is paragraphs of fields (deb822(5)); packages that were removed may still be in it.
    """
    try:
        paragraphs = status.read_text(encoding="utf-8", errors="replace").split("\n\n")
    except FileNotFoundError:
        return None
    fields = (_fields(paragraph) for paragraph in paragraphs)
    found = {
        f"{each['Package']}:{each['Architecture']}": each["Version"]
        for each in fields
        if each.get("Status", "").endswith(" installed")
    }
    return dict(sorted(found.items()))


def _fields(paragraph: str) -> dict[str, str]:
    """Of one line; what goes on (it is indented) is left out."""
    lines = (line.partition(": ") for line in paragraph.splitlines() if not line.startswith(" "))
    return {name: value for name, _, value in lines}
