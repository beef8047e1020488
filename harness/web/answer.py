"""What a request is answered with, before anybody knows how it is sent."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from harness.report.rows import as_json

HTML = "text/html; charset=utf-8"
JSON = "application/json"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """`after`: the address of the next page of a list, None where there is none."""

    body: bytes
    media: str
    after: str | None = None


def page(body: bytes) -> Answer:
    return Answer(body=body, media=HTML)


def document(value: Any, after: str | None = None) -> Answer:
    """As the command line's JSON: keys in snake_case, with the unit in the name."""
    return Answer(body=as_json(value).encode(), media=JSON, after=after)


def error(told: str) -> Answer:
    return Answer(body=json.dumps({"error": told}).encode(), media=JSON)


def tag_of(*parts: str) -> str:
    """An ETag: weak, for the same content may be written otherwise some day."""
    digest = sha256("\0".join(parts).encode(errors="backslashreplace")).hexdigest()
    return f'W/"{digest[:24]}"'


def is_known(tag: str, if_none_match: str | None) -> bool:
    """Whether whoever asks has it already (RFC 9110, section 13.1.2)."""
    if if_none_match is None:
        return False
    known = {each.strip().removeprefix("W/") for each in if_none_match.split(",")}
    return "*" in known or tag.removeprefix("W/") in known


Records = Sequence[Mapping[str, Any]]
