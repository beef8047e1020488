"""What is known of an image's contents."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """A Linux distribution's name and release, as `debian` and `13`; `packages`:
    `name:architecture` → version."""

    name: str
    release: str | None
    packages: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Contents:
    """`packages`: name → version of every Python package in it. They, `python` (its version) and
    `platform` (what JAX ran on there) are None where no launch on the image came so far as to tell
    them; `distribution` also where dpkg keeps no list of packages there. The hashes are None where
    the image does not say."""

    digest: str
    tag: str
    first_seen_at: datetime
    dockerfile_sha256: str | None
    requirements_sha256: str | None
    packages: Mapping[str, str] | None
    distribution: Distribution | None
    python: str | None
    platform: str | None
