"""`pytest --jaxrig-db URL` keeps what any session of pytest-benchmark measures, as a run.

pytest loads this wherever jaxrig is installed, also beside a project that has a package `harness`
of its own: so it is installed as a module of its own, and loads nothing of jaxrig's, and does
nothing, unless the option is given.
"""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("jaxrig").addoption(
        "--jaxrig-db",
        metavar="URL",
        help="keep what pytest-benchmark measures, every sample of it, in this result database",
    )


def pytest_sessionstart(session: pytest.Session) -> None:
    """By now pytest-benchmark has looked at its options."""
    config = session.config
    url = config.getoption("--jaxrig-db")
    if url is None or hasattr(config, "workerinput"):  # a worker of pytest-xdist: told once
        return
    try:
        from harness.errors import JaxrigError
        from harness.recording import Recording
    except ImportError as error:
        raise pytest.UsageError(
            f"jaxrig: --jaxrig-db is of no use here ({error}): a part of jaxrig is missing, or is "
            "hidden by a package of this project's that is called harness or containers"
        ) from error
    try:
        config.pluginmanager.register(Recording(config, url))
    except JaxrigError as error:
        raise pytest.UsageError(f"jaxrig: {error}") from error
