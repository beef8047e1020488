"""A real browser for tests, Debian's Chromium driven by Playwright, and what it complains of."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.checkout import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

KEPT = ROOT / ".venv" / "axe-core"

SERIOUS = ("serious", "critical")

PHONE, DESK = {"width": 360, "height": 740}, {"width": 1600, "height": 1000}


def chromium() -> str | None:
    return shutil.which("chromium")


def axe() -> Path | None:
    """axe-core's script, where `tests/browser.sh` put one."""
    found = sorted(KEPT.glob("axe-*.js"))
    return found[-1] if found else None


@contextmanager
def launched(executable: str) -> Iterator["Browser"]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@dataclass(frozen=True, kw_only=True)
class Watched:
    """A page, and what went wrong in it: errors on its console, requests that leave the site."""

    page: "Page"
    errors: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    def open(self, address: str) -> None:
        self.page.goto(address, wait_until="load")

    def violations(self, script: Path) -> list[str]:
        """What axe-core finds serious."""
        self.page.add_script_tag(path=script)
        found: dict[str, Any] = self.page.evaluate("axe.run({ preload: false })")
        return [
            f"{each['id']}: {node['html'][:200]}"
            for each in found["violations"]
            if each["impact"] in SERIOUS
            for node in each["nodes"]
        ]


@contextmanager
def watched(browser: "Browser", own: str, **options: Any) -> Iterator[Watched]:
    """A page in a context of its own. `own`: how addresses of the site begin; `options`: of
    Playwright's context."""
    context = browser.new_context(**options)
    page = context.new_page()
    seen = Watched(page=page)
    page.on("console", lambda told: seen.errors.append(told.text) if told.type == "error" else None)
    page.on("pageerror", lambda error: seen.errors.append(str(error)))

    def asked(address: str) -> None:
        if not address.startswith((own, "data:", "blob:")):
            seen.strangers.append(address)

    page.on("request", lambda request: asked(request.url))
    yield seen
    context.close()
