"""The application in this process, and who asks it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from starlette.testclient import TestClient

from harness.web.application import application
from harness.web.maker import Here
from harness.web.source import Source

ADDRESS = "http://127.0.0.1:8000"


@contextmanager
def served(
    url: str,
    *,
    hosts: frozenset[str] | None = None,
    floor: Callable[[str], float] = lambda _: 0.02,
    raises: bool = True,
) -> Iterator[TestClient]:
    """`raises`: a mistake of ours fails the test, instead of being answered."""
    source = Source(url)
    app = application(source, Here(source, floor), hosts)
    with TestClient(app, base_url=ADDRESS, raise_server_exceptions=raises) as client:
        yield client


def told(client: TestClient, path: str, **asked: Any) -> Any:
    """The document at that address."""
    answer = client.get(path, params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def shown(client: TestClient, path: str, **asked: Any) -> str:
    """The page at that address."""
    answer = client.get(path, params=asked)
    assert answer.status_code == 200, answer.text
    return answer.text
