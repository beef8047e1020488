"""Documents: those that the command line tells."""

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.harness.called import called
from tests.harness.report.site.filled import AT, NIGHTS, SLOWER
from tests.harness.web.served import told


@pytest.fixture
def said(filled: str) -> Any:
    """What the command line says as JSON."""

    def say(*words: str) -> Any:
        done = called(*words, "--db", filled, "--format", "json")
        assert done.code in (0, 1), done.err
        return json.loads(done.out)

    return say


def test_runs_are_as_the_command_line_lists_them(client: TestClient, said: Any) -> None:
    assert told(client, "/api/runs", limit=1000) == said("runs")


def test_a_run_is_as_the_command_line_shows_it(client: TestClient, said: Any) -> None:
    for name in ("latest", "latest~3", "why=<script>alert(1)</script>"):
        expected = said("show", name)
        assert told(client, f"/api/runs/{name}", samples="true") == expected
        for measurement in expected["measurements"]:
            del measurement["samples_s"]
        assert told(client, f"/api/runs/{name}") == expected


def test_history_has_the_rows_of_the_command_line(client: TestClient, said: Any) -> None:
    asked = {"case": "transformer/nano/*", "machine": "testbed"}
    found = told(client, "/api/history", limit=1000, **asked)
    expected = said("history", asked["case"], "--machine", "testbed")
    key = json.dumps
    assert sorted(found, key=key) == sorted(expected, key=key)
    began = [row["started_at"] for row in found]
    assert began == sorted(began, reverse=True)


def test_history_comes_page_by_page(client: TestClient) -> None:
    asked = {"case": SLOWER, "machine": "testbed"}
    everything = told(client, "/api/history", limit=1000, **asked)
    found: list[Any] = []
    path = f"/api/history?case={SLOWER}&machine=testbed&limit=7"
    while True:
        answer = client.get(path)
        found += answer.json()
        if "link" not in answer.headers:
            break
        path = answer.headers["link"].removeprefix("<").partition(">")[0]
        assert answer.headers["link"].endswith('; rel="next"')
    assert found == everything
    assert len(found) > NIGHTS


def test_machines_and_cases(client: TestClient, said: Any) -> None:
    assert told(client, "/api/machines") == said("machines")
    assert [each["name"] for each in told(client, "/api/machines", limit=1, offset=1)] == ["node07"]
    (case,) = told(client, "/api/cases", case=SLOWER)
    assert (case["case"], case["workload"], case["dtype"]) == (SLOWER, "transformer", "f32")
    assert client.get(f"/{case['page']}").status_code == 200


def test_changes_are_those_of_the_command_line(client: TestClient, said: Any) -> None:
    asked = {"machine": "testbed", "target": "cpu", "case": "transformer/nano/*", "limit": 100}
    found = told(client, "/api/changes", **asked)
    expected = said("history", "transformer/nano/*", "--changes", "--machine", "testbed")
    assert found == expected
    assert [each["case"] for each in found] == [SLOWER]


def test_changes_are_looked_for_in_some_cases_at_a_time(client: TestClient) -> None:
    asked: dict[str, Any] = {"machine": "testbed", "target": "cpu", "limit": 5}
    answer = client.get("/api/changes", params=asked)
    assert "offset=5" in answer.headers["link"]
    found: list[Any] = []
    for offset in range(0, 200, 5):
        found += told(client, "/api/changes", offset=offset, **asked)
    assert [each["case"] for each in found] == [SLOWER]


def test_regressions_are_those_of_the_command_line(client: TestClient, said: Any) -> None:
    assert told(client, "/api/regressions") == said("regressions", "list")
    assert [each["case"] for each in told(client, "/api/regressions")] == [SLOWER]
    assert told(client, "/api/regressions", state="fixed") == []
    assert told(client, "/api/regressions", machine="node07") == []


def test_two_runs_are_compared_as_the_command_line_does(client: TestClient, said: Any) -> None:
    runs = said("runs")
    apart = [run["run"] for run in runs if run["suite"] == "quick"]
    pairs = [(apart[-2], apart[-1]), (apart[-1], apart[-AT - 1])]
    for base, candidate in pairs:
        found = told(client, "/api/compare", base=base, candidate=candidate)
        expected = said("compare", base, candidate)
        del found["settle"], expected["settle"]  # a command line, of this database there
        assert found == expected


def test_lists_end(client: TestClient) -> None:
    for path in ("/api/runs", "/api/cases", "/api/machines", "/api/regressions"):
        everything = told(client, path, limit=1000)
        answer = client.get(path, params={"limit": len(everything)})
        assert answer.json() == everything
        assert "link" not in answer.headers
        assert told(client, path, offset=len(everything)) == []
