"""What pages show of a database, and how they are asked for it."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from harness.report.site import addresses
from harness.store.reader import Reader
from harness.store.writer import Store
from harness.web import regressions
from harness.web.pages import case as case_pages
from harness.web.pages import cases as cases_pages
from harness.web.pages import overview as overview_pages
from harness.web.pages import runs as runs_pages
from tests.harness.called import called
from tests.harness.history import MACHINE, add_run
from tests.harness.report.site.filled import EVIL, NIGHTS, SLOWER, STEADY
from tests.harness.samples import A, B
from tests.harness.web.served import served, shown

ELSEWHERE = replace(MACHINE, name="node07", cores=64)


def column(page: str, table: str, place: int) -> list[str]:
    """Texts of a column (from 1) of a table."""
    body = page.partition(f'id="{table}-table"')[2].partition("<tbody>")[2].partition("</tbody>")[0]
    rows = re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    cells = [re.findall(r"<td.*?>(.*?)</td>", row, re.DOTALL) for row in rows]
    return [re.sub(r"<.*?>", "", row[place - 1]) for row in cells if len(row) >= place]


def selected(page: str, field: str) -> str:
    """What is chosen in a select of a form."""
    options = page.partition(f'<select name="{field}">')[2].partition("</select>")[0]
    return re.search(r'<option value="([^"]*)" selected>', options).group(1)  # type: ignore[union-attr]


def test_the_overview_of_a_small_database_finds_what_is_slower(client: TestClient) -> None:
    page = shown(client, "/")
    assert "▲ 1 regression is open" in page
    assert column(page, "regressions", 1) == [SLOWER]
    assert "image aaaaaaaaaaaa → bbbbbbbbbbbb" in column(page, "regressions", 8)[0]
    assert {"cpu on testbed", "cpu on node07"} == set(column(page, "latest", 1))
    assert dict(zip(column(page, "latest", 1), column(page, "latest", 9), strict=True)) == {
        "cpu on node07": "",
        "cpu on testbed": "= " * 11 + "▲",
    }
    assert 'href="compare.html?base=' in page
    assert "<dt>machines</dt><dd>2</dd>" in page


def test_of_a_large_one_it_tells_what_was_kept(
    filled: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(regressions, "FEW", 10)
    with Store(url) as store:
        for night in range(30):
            add_run(store, {A: [(1.0, 1.2)[night // 15]]})
    with served(url) as client:
        assert "? Nobody looked" in shown(client, "/")
        assert called("regressions", "announce", "--db", url).code == 1
        page = shown(client, "/")
        assert "▲ 1 regression is open" in page
        assert column(page, "regressions", 1) == [A]
        assert "kept" in page.partition('class="note"')[2][:200]


def test_the_overview_is_of_the_machine_and_target_that_are_asked_for(client: TestClient) -> None:
    page = shown(client, "/index.html", machine="node07")
    assert column(page, "latest", 1) == ["cpu on node07"]
    assert "▲" not in page.partition('class="answer')[2][:80]


def test_the_overview_shows_so_many_places_and_says_how_many_more(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview_pages, "MOST_PLACES", 2)
    with Store(url) as store:
        for cores in range(2, 6):
            add_run(store, {A: [1.0]}, machine=replace(MACHINE, name=f"n{cores}", cores=cores))
    with served(url) as client:
        page = shown(client, "/")
    assert sorted(column(page, "latest", 1)) == ["cpu on n4", "cpu on n5"]
    assert "and 2 more: choose a machine or a target" in page


def test_cases_are_of_one_place_and_lead_there(client: TestClient) -> None:
    page = shown(client, "/cases.html", machine="node07", target="cpu")
    assert column(page, "cases", 1) == ["memory/triad/128MiB/f32", SLOWER]
    assert "cpu on node07" in page
    link = re.search(rf'href="{addresses.of_case(SLOWER)}\?([^"]*)"', page)
    assert link is not None
    assert "target=cpu" in link[1]


def test_cases_come_page_by_page(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cases_pages, "SIZE", 2)
    asked = {"case": "transformer/nano/*"}
    first = shown(client, "/cases.html", **asked)
    second = shown(client, "/cases.html", page="2", **asked)
    assert len(column(first, "cases", 1)) == 2
    assert not set(column(first, "cases", 1)) & set(column(second, "cases", 1))
    assert re.search(
        r'href="cases.html\?case=transformer%2Fnano%2F%2A&amp;page=2" rel="next"', first
    )
    assert 'rel="prev"' in second


def test_a_case_is_shown_where_it_ran_last_and_where_one_asks(client: TestClient) -> None:
    address = f"/{addresses.of_case(SLOWER)}"
    newest = shown(client, address)
    there = shown(client, address, machine="testbed", target="cpu")
    assert "Shown: cpu on node07" in newest
    assert len(column(newest, "points", 1)) == 1
    assert "Shown: cpu on testbed" in there
    assert len(column(there, "points", 1)) > NIGHTS
    assert column(there, "changes", 2) == ["▲ slower"]
    assert selected(there, "target") == "cpu"


def test_a_case_is_shown_everywhere_up_to_a_cap_that_is_said(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"/{addresses.of_case(SLOWER)}"
    page = shown(client, address, everywhere="true")
    assert set(column(page, "points", 3)) == {"cpu on node07", "cpu on testbed"}
    began = column(page, "points", 1)
    assert began == sorted(began, reverse=True)
    monkeypatch.setattr(case_pages, "MOST_PLACES", 1)
    assert "of all places the last 1" in shown(client, address, everywhere="true", target="cpu")


def test_a_series_is_the_one_that_the_report_finds(client: TestClient, filled: str) -> None:
    import json

    from harness.archive import read_archive
    from harness.report.site.cases import case_page, series_by_case
    from harness.store.filters import Filters

    for name in (SLOWER, STEADY):
        page = shown(client, f"/{addresses.of_case(name)}", machine="testbed", target="cpu")
        script = page.partition('json" data-for="plot">')[2].partition("</script>")[0]
        archive = read_archive(filled, Filters(machine="testbed", target="cpu"), lambda _: 0.02)
        expected = case_page(archive, name, series_by_case(archive)[name]).plot
        assert json.loads(script) == json.loads(json.dumps(expected))


def test_a_case_that_was_not_measured_there_says_so(client: TestClient) -> None:
    page = shown(client, f"/{addresses.of_case(STEADY)}", machine="node07", target="cpu")
    assert column(page, "points", 1) == ["none"]
    assert "<dt>runs</dt><dd>0</dd>" in page


def test_a_name_is_no_glob_where_a_case_is_meant(url: str) -> None:
    with Store(url) as store:
        add_run(store, {"t.py::t[1]": [1.0]})
        add_run(store, {"t.py::t1": [2.0]})
    with served(url) as client:
        page = shown(client, f"/{addresses.of_case('t.py::t[1]')}")
        assert column(page, "points", 5) == ["1.00 s"]


@pytest.fixture
def many(either_url: str) -> Iterator[TestClient]:
    with Store(either_url) as store:
        for number in range(5):
            add_run(store, {(A, B)[number % 2]: [1.0]}, suite=("quick", "full")[number % 2])
        add_run(store, {A: [1.0]}, machine=ELSEWHERE, status="failed")
    with served(either_url) as client:
        yield client


def test_runs_are_filtered_and_paged_by_the_database(
    many: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = column(shown(many, "/runs.html"), "runs", 1)
    assert len(everything) == 6
    assert len(column(shown(many, "/runs.html", suite="full"), "runs", 1)) == 2
    assert len(column(shown(many, "/runs.html", case=B), "runs", 1)) == 2
    assert column(shown(many, "/runs.html", status="failed"), "runs", 1) == everything[:1]
    assert column(shown(many, "/runs.html", machine="node07"), "runs", 1) == everything[:1]
    assert column(shown(many, "/runs.html", until="2020-01-01"), "runs", 1) == ["none"]
    monkeypatch.setattr(runs_pages, "SIZE", 4)
    first, second = (shown(many, "/runs.html", page=page, target="cpu") for page in (1, 2))
    assert column(first, "runs", 1) + column(second, "runs", 1) == everything
    assert 'rel="next"' in first
    assert 'rel="next"' not in second


def test_forms_keep_what_was_asked(client: TestClient) -> None:
    page = shown(
        client, "/runs.html", machine="testbed", status="done", since="3650d", target="cpu"
    )
    assert (selected(page, "status"), selected(page, "target")) == ("done", "cpu")
    assert re.fullmatch(r"[0-9a-f]{16}", selected(page, "machine"))
    assert 'name="since" value="3650d"' in page


def test_machines_of_one_name_can_be_told_apart(url: str) -> None:
    with Store(url) as store:
        for cores in (2, 4):
            add_run(store, {A: [1.0]}, machine=replace(MACHINE, cores=cores))
    with served(url) as client:
        page = shown(client, "/index.html", machine="testbed")
        assert len(column(page, "latest", 1)) == 2
        assert selected(page, "machine") == "testbed"


def test_a_run_has_its_page_whatever_it_is_called(
    filled: str, client: TestClient, url: str
) -> None:
    with Reader(filled) as reader:
        failed = next(run for run in reader.runs() if run.failures)
    page = shown(client, f"/{addresses.of_run(failed.run)}")
    assert "boom &lt;script&gt;" in page
    assert "the last words &lt;script&gt;" in page
    with Store(url) as store:
        add_run(store, {A: [1.0]})
        _rename(store, EVIL)
    with served(url) as other:
        assert "&lt;script&gt;" in shown(other, f"/{addresses.of_run(EVIL)}")
        (link,) = re.findall(r'href="(run/[^"]*)"', shown(other, "/runs.html"))
        assert link == addresses.of_run(EVIL)


def _rename(store: Store, name: str) -> None:
    from sqlalchemy import text

    store.within(
        lambda connection, _: connection.execute(
            text("UPDATE runs SET name = :name"), {"name": name}
        )
    )


def test_two_runs_are_compared_on_the_server(client: TestClient, filled: str) -> None:
    with Reader(filled) as reader:
        pairings = [each for run in reader.runs() for each in reader.pairings(run.run)]
        apart = [run.run for run in reader.runs() if run.suite == "quick"][-2:]
    base, candidate = next((each.base, each.candidate) for each in pairings if each.slower)
    page = shown(client, "/compare.html", base=base, candidate=candidate)
    assert "▲ slower" in page.partition('class="answer')[2][:200]
    assert column(page, "compared", 3) == ["▲ slower"]
    other_way = client.get("/compare.html", params={"base": candidate, "candidate": base})
    assert (other_way.status_code, "the other way round" in other_way.text) == (400, True)
    page = shown(client, "/compare.html", base=apart[1], candidate=apart[0])
    assert set(column(page, "compared", 1)) == {SLOWER, STEADY}


def test_machines_come_some_at_a_time_with_their_ceilings(client: TestClient) -> None:
    page = shown(client, "/machines.html")
    assert "testbed" in page
    assert "node07" in page
    assert 'id="ceilings-' in page
    other = shown(client, "/machines.html", machine="node07")
    assert 'id="ceilings-' not in other


def test_labels_are_told_of_runs_with_ceilings(client: TestClient, filled: str) -> None:
    with Reader(filled) as reader:
        labelled = next(run.run for run in reader.runs() if run.suite == "standard")
    page = shown(client, f"/{addresses.of_run(labelled)}")
    assert 'data-plot="roofline"' in page
    assert column(page, "labels", 2)
    overview = shown(client, "/")
    assert column(overview, "limits", 1) == ["cpu on testbed"]


def test_nothing_that_is_stored_is_markup(client: TestClient) -> None:
    for path in ("/", "/cases.html", "/runs.html", f"/{addresses.of_case(EVIL)}", "/compare.html"):
        assert EVIL not in shown(client, path)
    asked = client.get("/runs.html", params={"machine": EVIL})
    assert (asked.status_code, EVIL in asked.text) == (404, False)
    asked = client.get(f"/{EVIL}")
    assert EVIL not in asked.text
