"""What is known of an image's contents."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Contents:
    """`packages`: name → version of every Python package in it. They, `python` (its version) and
    `platform` (what JAX ran on there) are None where no launch on the image came so far as to tell
    them; the hashes are None where the image does not say."""

    digest: str
    tag: str
    first_seen_at: datetime
    dockerfile_sha256: str | None
    requirements_sha256: str | None
    packages: Mapping[str, str] | None
    python: str | None
    platform: str | None
