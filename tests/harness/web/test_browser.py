"""The pages as people see them, of a real server in a real browser."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import urlopen

import pytest

from harness.report.site import addresses
from harness.store.reader import Reader
from tests.browser import DESK, PHONE, Watched, watched
from tests.harness.report.site.filled import EVIL, SLOWER, STEADY
from tests.harness.test_cli_serve import serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, filled: str) -> Iterator[str]:
    """Of a server, without the last slash."""
    with serving(tmp_path_factory.mktemp("serving"), "--db", filled) as (_, address, _):
        yield address.rstrip("/")


@pytest.fixture
def desk(browser: "Browser", address: str) -> Iterator[Watched]:
    """A page on a large screen; whatever goes wrong in it fails the test."""
    with watched(browser, address, viewport=DESK) as page:
        yield page
    assert (page.errors, page.strangers) == ([], [])


@pytest.fixture(scope="module")
def kinds(filled: str) -> list[str]:
    """An address of each kind of page."""
    with Reader(filled) as reader:
        runs = reader.runs()
    labelled = next(run.run for run in runs if run.suite == "standard")
    failed = next(run.run for run in runs if run.failures)
    return [
        *("", "index.html?machine=node07", "cases.html", "runs.html", "machines.html"),
        *("compare.html", "compare.html?base=latest~1&candidate=latest"),
        f"{addresses.of_case(SLOWER)}?machine=testbed&target=cpu",
        f"{addresses.of_case(SLOWER)}?everywhere=true",
        *(addresses.of_case(EVIL), addresses.of_run(labelled), addresses.of_run(failed)),
    ]


@pytest.mark.parametrize(("viewport", "scheme"), [(PHONE, "light"), (DESK, "dark")])
def test_every_kind_of_page_opens_and_keeps_nobody_out(
    browser: "Browser",
    address: str,
    kinds: list[str],
    axe_core: Path,
    viewport: dict[str, int],
    scheme: str,
) -> None:
    with watched(browser, address, viewport=viewport, color_scheme=scheme) as watcher:
        for kind in kinds:
            watcher.open(f"{address}/{kind}")
            width = watcher.page.evaluate("document.documentElement.scrollWidth")
            assert width <= viewport["width"], f"{kind} is wider than the screen"
    assert (watcher.errors, watcher.strangers) == ([], [])
    # It is put into the page, which the policy is there to forbid. What is not live alone was
    # looked at in the report.
    with watched(
        browser, address, viewport=viewport, color_scheme=scheme, bypass_csp=True
    ) as watcher:
        for kind in ("index.html?machine=node07", "runs.html", kinds[6], kinds[7]):
            watcher.open(f"{address}/{kind}")
            assert watcher.violations(axe_core) == [], kind


def test_links_lead_to_pages(desk: Watched, address: str, kinds: list[str]) -> None:
    links = set[str]()
    for kind in kinds:
        desk.open(f"{address}/{kind}")
        found = desk.page.eval_on_selector_all("a[href]", "all => all.map((each) => each.href)")
        links |= {link.partition("#")[0] for link in found}
    assert len(links) > 50
    for link in links:
        with urlopen(link) as answer:  # noqa: S310 (ours)
            assert answer.status == 200, link


def test_plots_draw_under_the_policy(desk: Watched, address: str) -> None:
    with urlopen(f"{address}/") as answer:  # noqa: S310 (ours)
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
    desk.open(f"{address}/{addresses.of_case(STEADY)}?machine=testbed&target=cpu")
    desk.page.wait_for_selector(".plot .main-svg .scatterlayer .trace")
    assert desk.page.locator(".plot .modebar").count() == 1
    position = "getComputedStyle(document.querySelector('.plot .modebar')).position"
    assert desk.page.evaluate(position) == "absolute"  # so Plotly's own rules are there
    desk.page.check("input[value=log]")
    kind = "document.getElementById('plot').layout.yaxis.type"
    assert desk.page.evaluate(kind) == "log"


def test_a_plot_can_be_kept_as_a_picture(desk: Watched, address: str) -> None:
    desk.open(f"{address}/{addresses.of_case(STEADY)}?machine=testbed&target=cpu")
    desk.page.wait_for_selector(".plot .main-svg .scatterlayer .trace")
    desk.page.hover(".plot")
    with desk.page.expect_download() as download:
        desk.page.click(".plot .modebar-btn >> nth=0")
    assert download.value.suggested_filename.endswith(".svg")
    assert "scatterlayer" in download.value.path().read_text()


def test_an_inline_script_does_not_run(browser: "Browser", address: str) -> None:
    with watched(browser, address) as watcher:
        watcher.open(f"{address}/")
        watcher.page.evaluate(
            "document.body.append(Object.assign(document.createElement('script'), "
            "{ textContent: 'window.harmed = true' }))"
        )
        assert watcher.page.evaluate("window.harmed") is None
    assert any("Content Security Policy" in each for each in watcher.errors)


def test_forms_ask_for_what_is_chosen(desk: Watched, address: str) -> None:
    desk.open(f"{address}/runs.html")
    everything = desk.page.locator("#runs-table tbody tr").count()
    desk.page.select_option("select[name=status]", "failed")
    desk.page.click("form.choices button[type=submit]")
    desk.page.wait_for_url(re.compile("status=failed"))
    assert 0 < desk.page.locator("#runs-table tbody tr").count() < everything
    assert desk.page.input_value("select[name=status]") == "failed"


def test_two_runs_are_compared_the_verdict_first(desk: Watched, address: str) -> None:
    desk.open(f"{address}/compare.html")
    desk.page.fill("input[name=base]", "latest~1")
    desk.page.fill("input[name=candidate]", "latest")
    desk.page.press("input[name=candidate]", "Enter")
    desk.page.wait_for_selector("#compared-table tbody tr")
    assert re.match(r"[▲▼=?] ", desk.page.inner_text(".answer"))


def test_machines_are_compared_by_their_newest_runs(desk: Watched, address: str) -> None:
    desk.open(f"{address}/")
    desk.page.click("#machines a")
    desk.page.wait_for_selector("#compared-table tbody tr")
    assert "compare.html?base=" in desk.page.url


def test_it_works_without_its_scripts(browser: "Browser", address: str) -> None:
    with watched(browser, address, java_script_enabled=False) as plain:
        plain.open(f"{address}/runs.html")
        plain.page.select_option("select[name=status]", "failed")
        plain.page.click("form.choices button[type=submit]")
        assert "status=failed" in plain.page.url
        assert plain.page.locator("#runs-table tbody tr").count() == 1
    assert (plain.errors, plain.strangers) == ([], [])


def test_a_name_harms_nothing(desk: Watched, address: str, kinds: list[str]) -> None:
    alerts: list[str] = []
    desk.page.on("dialog", lambda dialog: alerts.append(dialog.message))
    for kind in kinds:
        desk.open(f"{address}/{kind}")
        desk.page.wait_for_timeout(50)
    assert alerts == []


def test_what_the_api_tells_is_no_page(address: str) -> None:
    with urlopen(f"{address}/api/runs?limit=1") as answer:  # noqa: S310 (ours)
        assert answer.headers["Content-Type"] == "application/json"
        assert len(json.load(answer)) == 1
