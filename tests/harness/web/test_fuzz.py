"""Whatever is asked, nothing is a mistake of ours."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from harness.store.writer import Store
from harness.web.parameters import Parameter
from harness.web.resource import Resource
from harness.web.resources import DOCUMENTS, PAGES
from tests.harness.report.site.filled import fill
from tests.harness.web.served import served

RESOURCES = (*PAGES, *DOCUMENTS)

WORDS = (
    *("testbed", "node07", "cpu", "quick", "standard", "ceilings", "latest", "latest~1", "done"),
    *("transformer/*", "*", "[", "[!", "%", "_", "'", '"', "\\", "\0", "a\0b", "-1", "0", "1e9"),
    *("99999999999999999999", "30d", "2026-01-31", "0001-01-01", "9999-12-31T23:59+23:59"),
    *("sha256:", "why=", "=x", "why=<script>alert(1)</script>", "<script>", "../../etc/passwd"),
    *("container", "process", "true", "false", "null", "NaN", "é", "😀", "\ud83d", "a" * 400),
)
VALUES = st.one_of(st.sampled_from(WORDS), st.text(max_size=40), st.integers().map(str))


def values_of(parameter: Parameter) -> st.SearchStrategy[str]:
    """Those that are right as well."""
    known = parameter.schema.get("enum")
    if known:
        return st.one_of(st.sampled_from(known), VALUES)
    if parameter.schema["type"] == "integer":
        return st.one_of(st.integers(0, 30).map(str), VALUES)
    return VALUES


@st.composite
def asked(draw: Any, resource: Resource) -> tuple[str, list[tuple[str, str]]]:
    some = [
        (parameter.name, draw(values_of(parameter)))
        for parameter in resource.parameters
        for _ in range(draw(st.integers(0, 2)))
    ]
    if draw(st.integers(0, 9)) == 0:
        some.append((draw(VALUES), draw(VALUES)))
    name = quote(draw(VALUES).encode(errors="replace"), safe="")
    path = resource.path.replace("{name}", name).replace("{run}", name)
    return path, some


@pytest.fixture(scope="module")
def sqlite(filled: str) -> Iterator[TestClient]:
    with served(filled) as client:
        yield client


@pytest.fixture(scope="module")
def postgres(postgresql: Any) -> Iterator[TestClient]:
    with postgresql.database() as url:
        with Store(url) as store:
            fill(store)
        with served(url) as client:
            yield client


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
@pytest.mark.parametrize("resource", RESOURCES, ids=lambda each: each.path)
def test_nothing_that_is_asked_is_a_mistake_of_ours(
    resource: Resource, database: str, request: pytest.FixtureRequest
) -> None:
    client: TestClient = request.getfixturevalue(database)

    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    @given(asked(resource))
    def ask(what: tuple[str, list[tuple[str, str]]]) -> None:
        path, given_ = what
        told = [(name.encode(errors="replace"), v.encode(errors="replace")) for name, v in given_]
        query = "&".join(f"{quote(name)}={quote(value)}" for name, value in told)
        answer = client.get(f"{path}?{query}" if query else path)
        assert answer.status_code in (200, 400, 404), answer.text

    ask()
