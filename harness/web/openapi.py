"""The API in the words of OpenAPI 3.1, of the same declarations that answer it."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from harness import __version__
from harness.web.api.schemas import ERROR
from harness.web.parameters import LONGEST, MOST_REPEATED, Parameter
from harness.web.resource import Resource

PATH = "/api/openapi.json"

_NAME = re.compile(r"{(\w+)}")

_REFUSALS = {
    "400": "what is asked for is no such thing",
    "404": "a name that nothing stored has",
    "503": "the database cannot be read now",
}


def openapi(resources: Iterable[Resource]) -> Mapping[str, Any]:
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "jaxrig",
            "version": __version__,
            "summary": "What was measured, and what became of it.",
            "description": "Documents are those of the command line's `--format json`: base units, "
            "named in the key. Lists have pages: the header Link tells the next one.",
        },
        "paths": {each.path: {"get": _operation(each)} for each in resources},
        "components": {"schemas": {"Error": ERROR}},
    }


def _operation(resource: Resource) -> Mapping[str, Any]:
    return {
        "operationId": re.sub(r"\W+", "_", resource.path).strip("_"),
        "summary": resource.text,
        "parameters": [
            *(_of_path(name) for name in _NAME.findall(resource.path)),
            *(_of_query(each) for each in resource.parameters),
        ],
        "responses": {
            "200": {"description": "it", **_content(resource.schema)},
            "304": {"description": "it is as If-None-Match knows it"},
            **{status: _refusal(told) for status, told in _REFUSALS.items()},
        },
    }


def _of_path(name: str) -> Mapping[str, Any]:
    schema = {"type": "string", "minLength": 1, "maxLength": LONGEST}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _of_query(parameter: Parameter) -> Mapping[str, Any]:
    schema = parameter.schema
    if parameter.repeats:
        schema = {"type": "array", "items": schema, "maxItems": MOST_REPEATED}
    return {
        "name": parameter.name,
        "in": "query",
        "description": parameter.text,
        "required": parameter.required,
        "schema": schema,
    }


def _refusal(told: str) -> Mapping[str, Any]:
    return {"description": told, **_content({"$ref": "#/components/schemas/Error"})}


def _content(schema: Mapping[str, Any] | None) -> Mapping[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}
