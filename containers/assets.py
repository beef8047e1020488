"""The built-in Dockerfiles, their pinned requirements and scripts."""

from pathlib import Path


def assets() -> Path:
    """Their folder: beside this package, or inside it once installed."""
    installed = Path(__file__).parent / "docker"
    return installed if installed.is_dir() else Path(__file__).parents[1] / "docker"
