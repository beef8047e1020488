"""`pytest --jaxrig-db URL` keeps what any session of pytest-benchmark measures, as a run.

pytest loads this wherever jaxrig is installed. Nothing else of jaxrig is loaded, and nothing done,
where the option is not given.
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
    from harness.errors import JaxrigError
    from harness.recording import Recording

    try:
        config.pluginmanager.register(Recording(config, url))
    except JaxrigError as error:
        raise pytest.UsageError(f"jaxrig: {error}") from error
