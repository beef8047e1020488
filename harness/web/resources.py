"""Every address that is answered from the database."""

from harness.web.api.cases import ALL_CASES as CASES_DOCUMENT
from harness.web.api.changes import CHANGES
from harness.web.api.compare import COMPARE as COMPARE_DOCUMENT
from harness.web.api.history import HISTORY
from harness.web.api.machines import ALL_MACHINES as MACHINES_DOCUMENT
from harness.web.api.regressions import REGRESSIONS
from harness.web.api.runs import RUN as RUN_DOCUMENT
from harness.web.api.runs import RUNS as RUNS_DOCUMENT
from harness.web.pages.case import CASE
from harness.web.pages.cases import ALL_CASES
from harness.web.pages.compare import COMPARE
from harness.web.pages.machines import ALL_MACHINES
from harness.web.pages.overview import OVERVIEW
from harness.web.pages.run import RUN
from harness.web.pages.runs import ALL_RUNS
from harness.web.resource import Resource

PAGES: tuple[Resource, ...] = (OVERVIEW, ALL_CASES, CASE, ALL_RUNS, RUN, COMPARE, ALL_MACHINES)

DOCUMENTS: tuple[Resource, ...] = (
    RUNS_DOCUMENT,
    RUN_DOCUMENT,
    CASES_DOCUMENT,
    HISTORY,
    MACHINES_DOCUMENT,
    CHANGES,
    REGRESSIONS,
    COMPARE_DOCUMENT,
)

SLOW = frozenset({COMPARE.path, COMPARE_DOCUMENT.path})
"""They read what the machines' runs measured, and judge by it."""
