"""The report as people see it: every kind of page in a real browser, from files."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.report.site import addresses
from harness.store.reader import Reader
from tests.browser import DESK, PHONE, Watched, watched
from tests.harness.report.site.filled import AT, BOUND, EVIL, SLOWER, STEADY

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FIXED = ("index.html", "cases.html", "runs.html", "compare.html", "machines.html")


def an_address_of_each_kind(site: Path) -> list[str]:
    runs = sorted((site / "run").iterdir())
    labelled = next(f"run/{each.name}" for each in runs if "matmul/2048/f32: " in each.read_text())
    failed = next(f"run/{each.name}" for each in runs if 'id="failures"' in each.read_text())
    return [*FIXED, addresses.of_case(SLOWER), addresses.of_case(EVIL), labelled, failed]


@pytest.fixture
def desk(browser: "Browser", site: Path) -> Iterator[Watched]:
    """A page on a large screen; whatever goes wrong in it fails the test."""
    with watched(browser, site.as_uri(), viewport=DESK) as page:
        yield page
    assert (page.errors, page.strangers) == ([], [])


@pytest.mark.parametrize(("viewport", "scheme"), [(PHONE, "light"), (DESK, "dark")])
def test_every_kind_of_page_opens_and_keeps_nobody_out(
    browser: "Browser", site: Path, axe_core: Path, viewport: dict[str, int], scheme: str
) -> None:
    with watched(browser, site.as_uri(), viewport=viewport, color_scheme=scheme) as watcher:
        for address in an_address_of_each_kind(site):
            watcher.open(f"{site.as_uri()}/{address}")
            assert watcher.violations(axe_core) == [], address
            width = watcher.page.evaluate("document.documentElement.scrollWidth")
            assert width <= viewport["width"], f"{address} is wider than the screen"
    assert (watcher.errors, watcher.strangers) == ([], [])


def test_links_lead_to_pages(desk: Watched, site: Path) -> None:
    for address in an_address_of_each_kind(site):
        desk.open(f"{site.as_uri()}/{address}")
        links = desk.page.eval_on_selector_all("a[href]", "all => all.map((each) => each.href)")
        files = {Path(link.removeprefix("file://").partition("#")[0]) for link in links}
        assert [str(each) for each in files if not each.is_file()] == []


def test_the_first_page_answers_and_leads_on(desk: Watched, site: Path) -> None:
    desk.open(f"{site.as_uri()}/index.html")
    assert "▲ 1 regression is open" in desk.page.inner_text(".answer")
    desk.page.click(f"#regressions a >> text={SLOWER}")
    assert desk.page.inner_text("h1") == SLOWER
    desk.page.wait_for_selector(".plot .main-svg")


def test_a_point_tells_of_its_run_and_leads_to_it(desk: Watched, site: Path) -> None:
    desk.open(f"{site.as_uri()}/{addresses.of_case(STEADY)}")
    x, y = desk.page.evaluate(LAST_POINT)
    desk.page.mouse.move(x, y, steps=3)
    desk.page.wait_for_selector(".plot .hoverlayer .hovertext")
    told = desk.page.text_content(".plot .hoverlayer") or ""
    assert re.search(r"\d{8}-\d{6}-[0-9a-f]{6}", told)
    assert "JAX 0.9.0" in told
    desk.page.mouse.click(x, y)
    desk.page.wait_for_url(re.compile("/run/"))


LAST_POINT = """() => {
    const lines = [...document.querySelectorAll(".plot .scatterlayer .trace")]
        .filter((each) => each.__data__[0].trace.mode === "lines+markers");
    const box = lines.at(-1).querySelector(".points path:last-child").getBoundingClientRect();
    return [box.x + box.width / 2, box.y + box.height / 2];
}"""
"""Where the middle of the last series' last point is on the screen."""


def test_a_history_has_scales_and_kinds_that_the_address_keeps(desk: Watched, site: Path) -> None:
    desk.open(f"{site.as_uri()}/{addresses.of_case(SLOWER)}")
    assert axis(desk, "xaxis.type") == "date"
    for choice, shown in (("ratio", "ratio to the anchor"), ("memory", "peak memory")):
        desk.page.check(f"input[value={choice}]")
        assert axis(desk, "yaxis.title.text") == shown
    desk.page.check("input[value=log]")
    assert axis(desk, "yaxis.type") == "log"
    desk.open(desk.page.url)
    desk.page.reload()
    assert (axis(desk, "yaxis.type"), axis(desk, "yaxis.title.text")) == ("log", "peak memory")


def axis(page: Watched, name: str) -> str:
    return str(page.page.evaluate(f"document.getElementById('plot').layout.{name}"))


def test_changes_and_programs_are_marked(desk: Watched, site: Path) -> None:
    desk.open(f"{site.as_uri()}/{addresses.of_case(SLOWER)}")
    traces = desk.page.evaluate("document.getElementById('plot').data")
    marked = [each for each in traces if "marker" in each]
    (change,) = [each for each in marked if each["marker"].get("symbol") == ["triangle-up"]]
    (program,) = [each for each in marked if each["marker"].get("symbol") == "diamond-open"]
    lines = [each for each in traces if each["mode"] == "lines+markers"]
    line = max(lines, key=lambda each: len(each["x"]))
    assert change["x"] == program["x"] == [line["x"][AT]]
    assert desk.page.locator("#changes tbody tr").count() == 1


def test_tables_sort_by_number_and_filter(desk: Watched, site: Path) -> None:
    desk.open(f"{site.as_uri()}/runs.html")
    desk.page.click("#runs-table th:nth-child(6) button")
    measured = [int(text) for text in column(desk, "#runs-table", 6)]
    assert measured == sorted(measured)
    assert len(set(measured)) > 2
    desk.page.click("#runs-table th:nth-child(6) button")
    assert [int(text) for text in column(desk, "#runs-table", 6)] == measured[::-1]
    desk.page.fill("#runs input", "ceilings done")
    assert desk.page.locator("#runs-table tbody tr:visible").count() == 1
    assert desk.page.inner_text("#runs .count").startswith("1 of ")
    address = desk.page.url
    desk.open("about:blank")
    desk.open(address)
    assert desk.page.locator("#runs-table tbody tr:visible").count() == 1
    assert desk.page.get_attribute("#runs-table th:nth-child(6)", "aria-sort") == "descending"


def column(page: Watched, table: str, place: int) -> list[str]:
    return page.page.locator(f"{table} tbody td:nth-child({place})").all_inner_texts()


def test_tables_sort_by_keyboard(desk: Watched, site: Path) -> None:
    desk.open(f"{site.as_uri()}/cases.html")
    desk.page.focus("#cases-table th:first-child button")
    desk.page.keyboard.press("Enter")
    names = column(desk, "#cases-table", 1)
    assert names.index("memory/write/64MiB/f32") < names.index("memory/write/256KiB/f32")
    desk.page.keyboard.press("Enter")
    assert column(desk, "#cases-table", 1) == names[::-1]


def test_two_runs_are_compared_the_verdict_first(desk: Watched, site: Path, filled: str) -> None:
    with Reader(filled) as reader:
        pairings = [each for run in reader.runs() for each in reader.pairings(run.run)]
    base, candidate = next((each.base, each.candidate) for each in pairings if each.slower)
    desk.open(f"{site.as_uri()}/compare.html#base={base}&candidate={candidate}")
    desk.page.wait_for_selector("#answer.slower")
    assert desk.page.inner_text("#answer") == "▲ 1 slower"
    assert column(desk, "#compared-table", 1) == ["▲ slower"]
    assert column(desk, "#compared-table", 3) == ["1.021"]


def test_machines_are_compared_by_their_newest_runs(desk: Watched, site: Path) -> None:
    desk.open(f"{site.as_uri()}/index.html")
    desk.page.click("#machines a")
    desk.page.wait_for_function("document.querySelector('#compared-table tbody tr') !== null")
    assert desk.page.inner_text("#answer").startswith("? Not measured in turns")
    assert "jaxrig compare " in desk.page.inner_text("#advice")


def test_a_roofline_has_its_cases(desk: Watched, site: Path) -> None:
    labelled = an_address_of_each_kind(site)[-2]
    desk.open(f"{site.as_uri()}/{labelled}")
    plots = desk.page.locator("[data-plot=roofline] .main-svg")
    assert plots.count() > 0
    traces = desk.page.evaluate("document.querySelector('[data-plot=roofline]').data")
    drawn = {case for each in traces if each["mode"] == "markers" for case in each["text"]}
    assert {"matmul/2048/f32", BOUND} <= drawn


def test_a_failure_shows_its_log_and_harms_nothing(desk: Watched, site: Path) -> None:
    failed = an_address_of_each_kind(site)[-1]
    alerts: list[str] = []
    desk.page.on("dialog", lambda dialog: alerts.append(dialog.message))
    for address in (failed, addresses.of_case(EVIL), "index.html", "cases.html", "compare.html"):
        desk.open(f"{site.as_uri()}/{address}")
        desk.page.wait_for_timeout(100)
    assert alerts == []
    desk.open(f"{site.as_uri()}/{failed}")
    desk.page.click("summary")
    assert desk.page.inner_text("pre") == f"the last words {EVIL}\n"
    assert f"boom {EVIL}" in desk.page.inner_text(".failure")


def test_it_reads_without_its_scripts(browser: "Browser", site: Path) -> None:
    with watched(browser, site.as_uri(), java_script_enabled=False) as plain:
        plain.open(f"{site.as_uri()}/{addresses.of_case(SLOWER)}")
        assert plain.page.locator("#points tbody tr").count() > AT
