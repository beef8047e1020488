"""What a report of many measurements costs: time, memory, the first page, and a night more."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.process import done
from tests.benchmarks.report import Figure
from tests.benchmarks.years import Years, fill
from tests.browser import DESK, chromium, launched, watched
from tests.checkout import ROOT

HUNDRED_THOUSAND = Years(machines=10, targets=2)

BUILD_BOUND_S = 10.0
MEMORY_BOUND_BYTES = 500e6
FIRST_PAGE_BOUND_BYTES = 300e3
SHOWN_BOUND_S = 1.0
REPEATS = 5

LOOK_S = 0.02
"""From one look at a process's memory to the next."""

PLOTLY = "plotly.min.js"


def figures(folder: Path) -> Iterator[Figure]:
    site, url = folder / "site", f"sqlite:///{folder}/hundred.db"
    fill(url, HUNDRED_THOUSAND)
    count = f"{HUNDRED_THOUSAND.measurements:,} measurements"
    built = done("harness.cli", "report", "--out", str(site), "--db", url, "--format", "json")
    told = json.loads(built.out)
    yield Figure(
        bench=f"jaxrig report of {count}",
        value=round(built.took_s, 2),
        unit="s",
        bound=BUILD_BOUND_S,
        detail={"files": told["files"], "bytes": _bytes(site)},
    )
    yield Figure(
        bench="peak memory of this command, all of its processes",
        value=_peak_bytes("report", "--out", str(folder / "again"), "--db", url),
        unit="bytes",
        bound=MEMORY_BOUND_BYTES,
        detail={"of the first process": built.peak_bytes},
    )
    yield _first_page(site)
    yield _shown(site)


def _peak_bytes(*words: str) -> int:
    """The most that all of a command's processes have together, what they share counted once
    (proc_pid_smaps(5): Pss), looked at again and again."""
    command = [sys.executable, "-m", "harness.cli", *words]
    peak = 0
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            peak = max(peak, sum(map(_share_bytes, (process.pid, *_children(process.pid)))))
            time.sleep(LOOK_S)
    assert process.returncode == 0, f"it ended with {process.returncode}"
    return peak


def _children(pid: int) -> list[int]:
    try:
        return [int(x) for x in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:  # it has ended
        return []


def _share_bytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # it has ended
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def _bytes(site: Path) -> int:
    return sum(path.stat().st_size for path in site.rglob("*") if path.is_file())


def _first_page(site: Path) -> Figure:
    """With the style and the script that it loads."""
    files = [site / "index.html", *(site / "assets").iterdir()]
    sizes = {path.name: path.stat().st_size for path in files if path.name != PLOTLY}
    return Figure(
        bench="the report's first page, without the plot library",
        value=sum(sizes.values()),
        unit="bytes",
        bound=FIRST_PAGE_BOUND_BYTES,
        detail=dict(sizes),
    )


def _shown(site: Path) -> Figure:
    """Until the browser has painted what is there first, of a page that it has not seen before."""
    executable = chromium()
    assert executable is not None, "no Chromium; tests/browser.sh installs one"
    took_s = []
    with launched(executable) as browser:
        for _ in range(REPEATS):
            with watched(browser, site.as_uri(), viewport=DESK) as watcher:
                watcher.open(f"{site.as_uri()}/index.html")
                took_s.append(float(watcher.page.evaluate(_PAINTED)) / 1e3)
    return Figure(
        bench="until the report's first page is shown, from disk",
        value=round(statistics.median(took_s), 3),
        unit="s",
        bound=SHOWN_BOUND_S,
        detail={"took_s": took_s},
    )


_PAINTED = """() => new Promise((done) => new PerformanceObserver((list) => {
    for (const each of list.getEntries())
        if (each.name === "first-contentful-paint") done(each.startTime);
}).observe({ type: "paint", buffered: true }))"""
