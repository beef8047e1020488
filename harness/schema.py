"""The JSON Schema of jaxrig.toml, for editors: `python -m harness.schema`.

Made from the models that read the file. What a schema cannot say (the order of a cpuset, a parent
that is not there) is `jaxrig`'s to refuse.
"""

import json
import sys
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from harness import extends
from harness.config import Settings

_DIALECT = "http://json-schema.org/draft-07/schema#"  # the newest that all editors' plugins know

_STACK = {
    "anyOf": [
        {"required": [extends.KEY]},
        {"required": ["platform", "dockerfile"]},
        {"required": ["platform", "image"]},
        {
            "required": ["platform", "isolation"],
            "properties": {"isolation": {"const": "process"}},
        },
    ],
    "not": {"anyOf": [{"required": ["image", key]} for key in extends.INSTEAD_OF_IMAGE]},
}
"""What the models say in words of Python: which keys go together."""


class _OfToml(GenerateJsonSchema):
    """TOML has no null: a key that may be None is one that may be left out."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        found = super().default_schema(schema)
        if found.get("default", ...) is None:
            del found["default"]
        return found

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        """A table has no other keys than those that match."""
        found = super().dict_schema(schema)
        if "patternProperties" in found:
            found["additionalProperties"] = False
        return found

    def field_title_should_be_set(self, _schema: Any) -> bool:
        """No: titles would say the keys again."""
        return False


def schema() -> dict[str, Any]:
    """The schema, with the key that is gone before the models read the file."""
    found = Settings.model_json_schema(schema_generator=_OfToml)
    target = found["$defs"]["Target"]
    parent = {"type": "string", "description": extends.DESCRIPTION}
    del target["required"]
    target["properties"] = {extends.KEY: parent, **target["properties"]}
    target |= _STACK
    return {"$schema": _DIALECT, **found, "title": "jaxrig.toml"}


def as_text() -> str:
    """The schema as it lies in docs/jaxrig.schema.json."""
    return json.dumps(schema(), indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(as_text())
