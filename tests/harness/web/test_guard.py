"""What every answer says to browsers, and who may ask."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from harness.web.guard import HEADERS, host_of
from tests.harness.web.served import served

NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})

ANSWERED = {
    "/": 200,
    "/api/runs": 200,
    "/api/openapi.json": 200,
    "/assets/plotly.min.js": 200,
    "/nothing": 404,
    "/api/nothing": 404,
    "/api/runs?x=1": 400,
}


@pytest.fixture(scope="module")
def guarded(filled: str) -> Iterator[TestClient]:
    with served(filled, hosts=NAMES) as client:
        yield client


@pytest.mark.parametrize("path", ANSWERED)
def test_every_answer_has_the_headers(guarded: TestClient, path: str) -> None:
    answer = guarded.get(path)
    assert answer.status_code == ANSWERED[path]
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS


def test_refusals_and_what_is_known_have_them_as_well(guarded: TestClient) -> None:
    tag = guarded.get("/").headers["etag"]
    answers = (
        guarded.get("/", headers={"If-None-Match": tag}),
        guarded.post("/"),
        guarded.get("/", headers={"Host": "elsewhere.example"}),
    )
    assert [each.status_code for each in answers] == [304, 405, 421]
    for each in answers:
        assert {name: each.headers[name] for name in HEADERS} == HEADERS


def test_nothing_inline_runs_and_nothing_is_loaded_from_elsewhere() -> None:
    policy = dict(
        part.strip().split(" ", 1) for part in HEADERS["Content-Security-Policy"].split(";")
    )
    assert "unsafe" not in HEADERS["Content-Security-Policy"]
    assert "http" not in HEADERS["Content-Security-Policy"]
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == policy["form-action"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:8000", "localhost:1", "[::1]:8000", "LOCALHOST"]
)
def test_its_own_names_are_answered(guarded: TestClient, host: str) -> None:
    assert guarded.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["elsewhere.example", "127.0.0.1.elsewhere.example:8000", "", "[::2]"]
)
def test_a_name_that_somebody_else_lets_lead_here_is_not(guarded: TestClient, host: str) -> None:
    answer = guarded.get("/api/runs", headers={"Host": host})
    assert (answer.status_code, "run" in answer.text.replace("own machine", "")) == (421, False)


def test_elsewhere_than_on_loopback_any_name_is_answered(client: TestClient) -> None:
    assert client.get("/", headers={"Host": "node07.example"}).status_code == 200


@pytest.mark.parametrize(
    ("header", "host"),
    [("a:1", "a"), ("a", "a"), ("A.", "a"), ("[::1]:80", "[::1]"), ("[::1]", "[::1]")],
)
def test_a_host_is_told_without_its_port(header: str, host: str) -> None:
    assert host_of(header) == host


def test_no_other_site_may_read(guarded: TestClient) -> None:
    answer = guarded.get("/api/runs", headers={"Origin": "http://elsewhere.example"})
    assert "access-control-allow-origin" not in answer.headers
