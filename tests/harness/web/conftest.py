"""A server of `filled`, for all tests that only ask."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from tests.harness.web.served import served


@pytest.fixture(scope="session")
def client(filled: str) -> Iterator[TestClient]:
    with served(filled) as client:
        yield client
