"""What is answered, and what happens where nothing can be."""

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from starlette.testclient import TestClient

from harness.report.site import addresses
from harness.store.writer import Store
from harness.web.resources import DOCUMENTS
from tests.harness.history import add_run
from tests.harness.report.site.filled import EVIL, SLOWER, fill
from tests.harness.samples import A
from tests.harness.web.served import served, told

PAGES = (
    *("/", "/index.html", "/cases.html", "/runs.html", "/compare.html", "/machines.html"),
    f"/{addresses.of_case(SLOWER)}",
    f"/{addresses.of_case(SLOWER)}?everywhere=true",
    f"/{addresses.of_case(EVIL)}",
    "/compare.html?base=latest~1&candidate=latest",
)
LISTS = ("/api/runs", "/api/cases", "/api/history", "/api/machines", "/api/regressions")


@pytest.fixture
def own(tmp_path: Path, filled: str) -> Path:
    """A database of its own, to be harmed."""
    return Path(shutil.copy(filled.removeprefix("sqlite:///"), tmp_path / "own.db"))


@pytest.fixture
def client_of_own(own: Path) -> Iterator[TestClient]:
    with served(f"sqlite:///{own}") as client:
        yield client


@pytest.mark.parametrize("page", PAGES)
def test_every_kind_of_page_is_answered(client: TestClient, page: str) -> None:
    answer = client.get(page)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "<!DOCTYPE html>" in answer.text


def test_every_kind_of_answer_is_the_same_from_either_database(either_url: str) -> None:
    with Store(either_url) as store:
        fill(store)
    with served(either_url) as client:
        for page in PAGES:
            assert client.get(page).status_code == 200, page
        for path in LISTS:
            assert told(client, path), path
        (machine, *_) = told(client, "/api/machines")
        assert told(client, "/api/changes", machine=machine["machine"], target="cpu", case=SLOWER)
        assert told(client, "/api/runs/latest")["measurements"]
        assert told(client, "/api/compare", base="latest~1", candidate="latest")["cases"]


def test_an_empty_database_is_served(url: str) -> None:
    Store(url).close()
    with served(url) as client:
        for page in ("/", "/cases.html", "/runs.html", "/compare.html", "/machines.html"):
            assert client.get(page).status_code == 200, page
        assert [told(client, path) for path in LISTS] == [[]] * len(LISTS)


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/nothing.html", 404, "nothing at this address"),
        ("/case/nothing.html", 404, "no such case"),
        ("/run/20260101-000000-abcdef.html", 404, "no such run"),
        ("/run/nothing.html", 404, "no such run"),
        ("/api/nothing", 404, "nothing at this address"),
        ("/api/runs/nothing", 404, "no single run is named"),
        ("/runs.html?machine=nothing", 404, "no stored machine is named"),
        ("/api/history?case=nothing", 404, "no stored case matches"),
        ("/api/compare?base=latest&candidate=nothing", 404, "no single run is named"),
        ("/runs.html?page=0", 400, "is not a whole number"),
        ("/runs.html?page=1&page=2", 400, "is given 2 times"),
        ("/api/runs?limt=3", 400, "unknown parameter"),
        ("/api/runs?since=yesterday", 400, "is no moment"),
        ("/api/runs?status=perhaps", 400, "is none of"),
        ("/api/runs?machine=", 400, "leave it out"),
        ("/api/runs?tag=a%3D1&tag=a%3D2", 400, "given twice"),
        ("/api/changes?target=cpu", 400, "machine is missing"),
        ("/api/compare?base=latest", 400, "candidate is missing"),
    ],
)
def test_what_cannot_be_answered_says_why(
    client: TestClient, path: str, status: int, words: str
) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert answer.headers["cache-control"] == "no-store"
    if path.startswith("/api/"):
        assert words in answer.json()["error"]
    else:
        assert words in answer.text
        assert "<!DOCTYPE html>" in answer.text


def test_a_form_that_was_left_empty_asks_for_nothing(client: TestClient) -> None:
    asked = {"machine": "", "target": "", "status": "", "suite": "", "since": "", "until": ""}
    assert client.get("/runs.html", params=asked).status_code == 200


def test_it_can_only_be_read(client: TestClient) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        for path in ("/", "/api/runs"):
            answer = client.request(method, path)
            assert (answer.status_code, "GET" in answer.headers["allow"]) == (405, True)


def test_a_head_is_as_long_as_its_page(client: TestClient) -> None:
    page, head = client.get("/runs.html"), client.head("/runs.html")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(page.content))


@pytest.mark.parametrize("path", ["/", "/api/runs", "/api/openapi.json", "/assets/site.css"])
def test_what_is_known_is_not_sent_again(client: TestClient, path: str) -> None:
    first = client.get(path)
    assert first.headers["cache-control"] == "no-cache"
    again = client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    other = client.get(path, headers={"If-None-Match": 'W/"another", "one"'})
    assert (other.status_code, other.content) == (200, first.content)


def test_addresses_have_tags_of_their_own(client: TestClient) -> None:
    paths = ("/runs.html", "/runs.html?target=cpu", "/cases.html", "/api/runs", "/api/runs?limit=9")
    assert len({client.get(path).headers["etag"] for path in paths}) == len(paths)


def test_what_was_measured_since_is_told(url: str) -> None:
    with Store(url) as store:
        add_run(store, {A: [1.0]})
        with served(url) as client:
            first = client.get("/api/runs")
            new = add_run(store, {A: [2.0]})
            second = client.get("/api/runs", headers={"If-None-Match": first.headers["etag"]})
            assert second.json()[0]["run"] == new
            assert len(second.json()) == len(first.json()) + 1


def test_a_run_whose_process_is_gone_is_told_as_interrupted(url: str) -> None:
    with Store(url) as store:
        add_run(store, {A: [1.0]}, owner="nobody/knows/1/1")
        with served(url) as client:
            assert told(client, "/api/runs")[0]["status"] == "done"
            _mark_running(url, "2000-01-01")
            assert told(client, "/api/runs")[0]["status"] == "interrupted"
            assert "■ interrupted" in client.get("/runs.html?status=interrupted").text
            assert told(client, "/api/runs", status="running") == []
            assert len(told(client, "/api/runs", status="interrupted")) == 1


def _mark_running(url: str, deadline: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE runs SET status='running', deadline_at='{deadline}'"))  # noqa: S608
    engine.dispose()


def test_a_database_that_is_gone_is_said_so_until_it_is_back(
    client_of_own: TestClient, own: Path
) -> None:
    assert client_of_own.get("/").status_code == 200
    own.rename(own.with_suffix(".away"))
    for path in ("/", "/api/runs"):
        answer = client_of_own.get(path)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert str(own.parent) not in answer.text  # where it lies is nobody's to know
    own.with_suffix(".away").rename(own)
    assert client_of_own.get("/").status_code == 200


def test_another_file_of_that_name_is_read_anew(
    client_of_own: TestClient, own: Path, url: str
) -> None:
    before = told(client_of_own, "/api/runs")
    with Store(url) as store:
        name = add_run(store, {A: [1.0]})
    Path(url.removeprefix("sqlite:///")).replace(own)
    found = told(client_of_own, "/api/runs")
    assert [run["run"] for run in found] == [name] != [run["run"] for run in before]


def test_a_newer_schema_is_refused(client_of_own: TestClient, own: Path) -> None:
    assert client_of_own.get("/").status_code == 200
    _execute(own, "UPDATE alembic_version SET version_num = '9999'")
    answer = client_of_own.get("/api/runs")
    assert (answer.status_code, "newer than" in answer.json()["error"]) == (503, True)


def test_damaged_samples_are_said_so(client_of_own: TestClient, own: Path) -> None:
    _execute(own, "UPDATE measurements SET samples_s = x'00'")
    answer = client_of_own.get("/api/runs/latest?samples=true")
    assert (answer.status_code, "damaged" in answer.json()["error"]) == (503, True)
    assert client_of_own.get("/api/runs/latest").status_code == 200


def test_a_damaged_file_is_said_so(own: Path) -> None:
    with served(f"sqlite:///{own}") as client:
        assert client.get("/").status_code == 200
        content = bytearray(own.read_bytes())
        content[4096:] = b"\xff" * (len(content) - 4096)
        own.write_bytes(content)
        _touch(own)
        answer = client.get("/runs.html")
        assert (answer.status_code, "<!DOCTYPE html>" in answer.text) == (503, True)


def _execute(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.commit()
    connection.close()


def _touch(path: Path) -> None:
    """As another file of that name is one."""
    other = path.with_suffix(".other")
    shutil.copy(path, other)
    other.replace(path)


def test_a_mistake_of_ours_shows_no_traceback(filled: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a secret of the inside")

    for resource in DOCUMENTS:
        if resource.path == "/api/machines":
            monkeypatch.setitem(resource.__dict__, "make", broken)
    with served(filled, raises=False) as client:
        answer = client.get("/api/machines")
        assert (answer.status_code, "secret" in answer.text) == (500, False)
        assert "mistake" in answer.json()["error"]
        assert "content-security-policy" in answer.headers


def test_nothing_that_is_asked_changes_the_database(client_of_own: TestClient, own: Path) -> None:
    before = own.read_bytes()
    for path in (*PAGES, *LISTS, "/api/runs/latest", "/api/nothing"):
        client_of_own.get(path)
    assert own.read_bytes() == before
