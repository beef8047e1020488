"""Which cases `pytest workloads` measures: `--suite NAME`, narrowed by `--case GLOB`."""

import pytest

from workloads.catalog import SUITES, select


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("workloads")
    group.addoption("--case", action="append", default=[], metavar="GLOB", help="case ids")
    group.addoption("--suite", choices=SUITES, help="default: quick, or any with --case")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" not in metafunc.fixturenames:
        return
    globs = metafunc.config.getoption("--case", [])
    suite = metafunc.config.getoption("--suite", None)
    cases = select(globs, suite or (None if globs else SUITES[0]))
    if not cases:
        raise pytest.UsageError(f"no case matches {', '.join(globs)}")
    metafunc.parametrize("case", cases, ids=[case.id for case in cases])
