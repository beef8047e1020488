"""The API's description, and what it describes."""

import re
from typing import Any

import pytest
from pydantic import TypeAdapter
from starlette.testclient import TestClient

from harness.web.choosing import FILTERS
from harness.web.openapi import openapi
from harness.web.resource import Resource
from harness.web.resources import DOCUMENTS, PAGES
from tests.harness.report.site.filled import SLOWER
from tests.harness.web.served import told


def test_what_is_described_is_what_is_answered(client: TestClient) -> None:
    described = told(client, "/api/openapi.json")
    assert set(described["paths"]) == {each.path for each in DOCUMENTS}
    assert all(each.path.startswith("/api/") for each in DOCUMENTS)
    assert not any(each.path.startswith("/api/") for each in PAGES)


@pytest.mark.parametrize("resource", DOCUMENTS, ids=lambda each: each.path)
def test_each_parameter_is_described_with_its_words(resource: Resource) -> None:
    described = openapi(DOCUMENTS)["paths"][resource.path]["get"]["parameters"]
    found = {each["name"]: each for each in described}
    assert set(found) == {x.name for x in resource.parameters} | set(
        re.findall(r"{(\w+)}", resource.path)
    )
    for parameter in resource.parameters:
        told = found[parameter.name]
        assert (told["description"], told["required"]) == (parameter.text, parameter.required)
        assert (told["schema"]["type"] == "array") == parameter.repeats


def test_history_has_the_filters_of_the_command_line() -> None:
    from argparse import ArgumentParser

    from harness.cli.asked import add_filters

    parser = ArgumentParser()
    add_filters(parser)
    options = {action.dest for action in parser._actions} - {"help"}
    assert {each.name for each in FILTERS} == options | {"case"}


WAYS = {
    "/api/runs": {},
    "/api/runs/{run}": {},
    "/api/cases": {},
    "/api/history": {"limit": "5"},
    "/api/machines": {},
    "/api/changes": {"machine": "testbed", "target": "cpu", "case": SLOWER},
    "/api/regressions": {},
    "/api/compare": {"base": "latest~1", "candidate": "latest"},
}


@pytest.mark.parametrize("resource", DOCUMENTS, ids=lambda each: each.path)
def test_each_answer_is_as_it_is_described(client: TestClient, resource: Resource) -> None:
    document = told(client, resource.path.replace("{run}", "latest"), **WAYS[resource.path])
    assert document
    _check(document, resource.schema, resource.path)


def _check(value: Any, schema: Any, where: str) -> None:
    """As far as these schemas go."""
    if "anyOf" in schema:
        assert any(_is_of(value, each) for each in schema["anyOf"]), (where, value)
        return
    assert _is_of(value, schema), (where, value, schema)
    if isinstance(value, list):
        for each in value:
            _check(each, schema.get("items", {}), f"{where}[]")
    if isinstance(value, dict):
        missing = set(schema.get("required", ())) - set(value)
        assert not missing, (where, missing)
        for name, of in schema.get("properties", {}).items():
            if name in value:
                _check(value[name], of, f"{where}.{name}")


_TYPES: dict[str, type | tuple[type, ...]] = {
    "array": list,
    "object": dict,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}


def _is_of(value: Any, schema: Any) -> bool:
    types = schema.get("type", list(_TYPES))
    known = [types] if isinstance(types, str) else types
    return any(isinstance(value, _TYPES[each]) for each in known)


def test_it_is_a_document_of_its_kind() -> None:
    described = openapi(DOCUMENTS)
    assert described["openapi"] == "3.1.0"
    identifiers = [each["get"]["operationId"] for each in described["paths"].values()]
    assert len(set(identifiers)) == len(identifiers)
    assert TypeAdapter(dict[str, Any]).dump_json(dict(described))
