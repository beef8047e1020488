"""The whole site: an archive in, files out, part by part."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib import resources
from typing import TYPE_CHECKING, Any

from harness.report.site import addresses
from harness.report.site.cases import case_page, cases_table, series_by_case
from harness.report.site.comparing import choices, data_of
from harness.report.site.machines import CeilingsOf, machines_page
from harness.report.site.overview import overview
from harness.report.site.runs import run_page, runs_table
from harness.report.site.table import body, prose

if TYPE_CHECKING:
    from jinja2 import Environment

    from harness.archive import Archive
    from harness.bottleneck import Bottlenecks
    from harness.changes import Series
    from harness.report.site.files import Part
    from harness.report.site.live import Live
    from harness.roofline.ceilings import Hardware
    from harness.store.points import Measured
    from harness.store.reader import Run

LimitsOf = Callable[["Run"], "tuple[Bottlenecks, Hardware] | None"]

_OWN = ("site.css", "site.js")

_STYLES = re.compile(rb'document\.getElementById\("([0-9a-f]{64})"\)')


@dataclass(frozen=True, kw_only=True)
class Site:
    """`limits_of`: the labels of a run and the ceilings that they are by; `ceilings_of`: what a run
    measured of them. None where there are none."""

    archive: "Archive"
    limits_of: LimitsOf
    ceilings_of: CeilingsOf

    def parts(self) -> list["Part"]:
        """Each makes some of the files: pages, the data that they load, and the assets. Whoever
        makes several makes them one by one: a page is gone before the next one is made."""
        archive = self.archive
        of_all: tuple[tuple[str, str, Callable[[], Any]], ...] = (
            ("index.html", "overview", lambda: overview(archive, self._labels_of)),
            ("cases.html", "cases", lambda: cases_table(archive)),
            ("runs.html", "runs", lambda: runs_table(archive)),
            ("compare.html", "compare", lambda: choices(archive)),
            ("machines.html", "machines", lambda: machines_page(archive, self.ceilings_of)),
        )
        of_cases, of_runs = series_by_case(archive), by_run(archive)
        return [
            assets,
            *(partial(self._of_all, *each) for each in of_all),
            *(partial(self._case, case, of_cases.get(case, ())) for case in archive.measured),
            *(partial(self._run, run, of_runs.get(run.run, {})) for run in archive.runs.values()),
        ]

    def _of_all(
        self, path: str, template: str, make: Callable[[], Any]
    ) -> Iterator[tuple[str, bytes]]:
        yield self._page(path, template, make())

    def _case(self, case: str, series: Sequence["Series"]) -> Iterator[tuple[str, bytes]]:
        yield self._page(addresses.of_case(case), "case", case_page(self.archive, case, series))

    def _run(self, run: "Run", measured: Mapping[str, "Measured"]) -> Iterator[tuple[str, bytes]]:
        page = run_page(self.archive, run, measured, self.limits_of(run))
        yield self._page(addresses.of_run(run.run), "run", page)
        if measured:
            yield addresses.data_of_run(run.run), data_of(self.archive, run, measured)

    def _labels_of(self, run: "Run") -> "Bottlenecks | None":
        found = self.limits_of(run)
        return None if found is None else found[0]

    def _page(self, path: str, template: str, page: Any) -> tuple[str, bytes]:
        return path, render(template, path, page)


def by_run(archive: "Archive") -> dict[str, dict[str, "Measured"]]:
    """What each run measured, by case."""
    found: dict[str, dict[str, Measured]] = {}
    for case, runs in archive.measured.items():
        for each in runs:
            found.setdefault(each.run, {})[case] = each
    return found


def render(template: str, path: str, page: Any, live: "Live | None" = None) -> bytes:
    """A page of the site. `path`: where it lies; `page`: what the template shows; `live`: what it
    has beside that where a server makes it."""
    root = "../" * path.count("/")
    kinds: Mapping[str, Any] = {"page": page, "root": root, "here": path, "live": live}
    return environment().get_template(f"{template}.html").render(kinds).encode()


@cache
def environment() -> "Environment":
    """Whatever is told by containers and databases is text, and never markup."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    made = Environment(
        loader=PackageLoader("harness.report.site"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["needless"] = _needless
    made.filters["body"] = lambda table, root: Markup(body(table, root))  # noqa: S704 (escaped)
    made.filters["prose"] = lambda text: Markup(prose(text))  # noqa: S704 (escaped)
    return made


def assets() -> Iterator[tuple[str, bytes]]:
    """Styles and scripts: Plotly's is the one that its Python package brings."""
    own = resources.files("harness.report.site") / "assets"
    for name in _OWN:
        yield f"assets/{name}", (own / name).read_bytes()
    yield "assets/plotly.min.js", _plotly()


def _plotly() -> bytes:
    return (resources.files("plotly") / "package_data" / "plotly.min.js").read_bytes()


@cache
def _needless() -> Sequence[str]:
    """Ids of the styles that Plotly adds for its maps where no element has these: a page without
    maps needs none, and a strict policy refuses them."""
    return tuple(dict.fromkeys(x.decode() for x in _STYLES.findall(_plotly())))
