"""What documents look like, as JSON Schema."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from harness.store.kinds import Kind, Kinds

Schema = Mapping[str, Any]

_NUMBER = {"type": ["number", "null"]}
_TEXT = {"type": ["string", "null"]}

_OF_KINDS: Mapping[Kind, Schema] = {
    "category": _TEXT,
    "text": {"type": "string"},
    "moment": {"type": "string", "format": "date-time"},
    "float": _NUMBER,
    "whole": {"type": "integer"},
    "count": {"type": ["integer", "null"]},
    "boolean": {"type": ["boolean", "null"]},
    "object": {},
}


def rows(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


def of_class(row: type[Any]) -> Schema:
    """Of a dataclass."""
    return TypeAdapter(row).json_schema(mode="serialization")


def of_columns(kinds: Kinds) -> Schema:
    return record(**{name: _OF_KINDS[kind] for name, kind in kinds.items()})


def record(**properties: Schema) -> Schema:
    """An object that has at least these."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def texts(*names: str) -> dict[str, Schema]:
    return dict.fromkeys(names, _TEXT)


def numbers(*names: str) -> dict[str, Schema]:
    return dict.fromkeys(names, _NUMBER)


def with_more(schema: Schema, **properties: Schema) -> Schema:
    """The schema of an object that has more."""
    required: Sequence[str] = schema.get("required", ())  # of which some may be other ones now
    return {
        **schema,
        "properties": {**schema["properties"], **properties},
        "required": list(dict.fromkeys((*required, *properties))),
    }


ERROR = record(error={"type": "string"})
