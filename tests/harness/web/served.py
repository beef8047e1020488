"""The application in this process, and who asks it."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from starlette.testclient import TestClient

from harness.web.application import application
from harness.web.maker import Here
from harness.web.source import Source

T = TypeVar("T")

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


def awaited(work: Coroutine[Any, Any, T]) -> T:
    """What comes of it, in a thread of its own: a browser that other tests have open keeps a loop
    running in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


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
