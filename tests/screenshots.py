"""`make screenshots`: pictures of the report for docs/, of a database that is made up."""

import tempfile
from pathlib import Path
from typing import Any

from harness.report.site import addresses
from harness.store.writer import Store
from tests.browser import DESK, PHONE, chromium, launched, watched
from tests.checkout import ROOT
from tests.harness.called import called
from tests.harness.report.site.filled import SLOWER, fill

SHOWN: dict[str, tuple[str, dict[str, Any]]] = {
    "overview": ("index.html", {"viewport": DESK}),
    "case": (addresses.of_case(SLOWER), {"viewport": DESK}),
    "dark": (addresses.of_case(SLOWER), {"viewport": DESK, "color_scheme": "dark"}),
    "phone": ("index.html", {"viewport": PHONE}),
}


def main() -> None:
    executable = chromium()
    assert executable is not None, "no Chromium; tests/browser.sh installs one"
    with tempfile.TemporaryDirectory() as name, launched(executable) as browser:
        url, site = f"sqlite:///{name}/results.db", Path(name) / "site"
        with Store(url) as store:
            fill(store)
        assert called("report", "--out", site, "--db", url).code == 0
        folder = ROOT / "docs" / "report"
        folder.mkdir(exist_ok=True)
        for shot, (address, options) in SHOWN.items():
            with watched(browser, site.as_uri(), **options) as watcher:
                watcher.open(f"{site.as_uri()}/{address}")
                watcher.page.screenshot(path=folder / f"{shot}.png")


if __name__ == "__main__":
    main()
