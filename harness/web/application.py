"""The application: which address is answered by what, and what happens where it cannot be."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from hashlib import sha256
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from harness.compared import OtherWayRound
from harness.errors import DatabaseFailure, UsageError
from harness.web import assets, openapi, responses
from harness.web.answer import Answer, document, is_known, tag_of
from harness.web.cache import Cache
from harness.web.guard import Guard
from harness.web.labels import Labels
from harness.web.parameters import Asked, read_asked
from harness.web.refused import Refused
from harness.web.resource import Judging, Resource
from harness.web.resources import DOCUMENTS, PAGES
from harness.web.source import Source

WORKERS = 4
"""Answers that are made at once: of Python's threads one runs at a time, and each wants memory."""

Endpoint = Callable[[Request], Awaitable[Response]]


def application(
    source: Source, floor: Callable[[str], float], hosts: Collection[str] | None
) -> ASGIApp:
    """`source`: closed at the end. `floor`: of a case, the smallest change that matters; `hosts`:
    as of `Guard`."""
    answering = Answering(source, Judging(floor=floor, labels=Labels()))

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        answering.close()

    routes = [Route(each.path, answering.endpoint(each)) for each in (*DOCUMENTS, *PAGES)]
    first = Route("/", answering.endpoint(PAGES[0]))
    described = document(openapi.openapi(DOCUMENTS))
    files = {openapi.PATH: described, **assets.assets()}
    fixed = [Route(path, _fixed(path, answer)) for path, answer in files.items()]
    app = Starlette(
        routes=[*fixed, first, *routes],
        lifespan=lifespan,
        exception_handlers={HTTPException: _not_routed, Exception: _broken},
    )
    return Guard(app, hosts)


class Answering:
    """Answers are made by a few threads: whoever waits for a database waits there."""

    def __init__(self, source: Source, judging: Judging) -> None:
        self._source, self._judging = source, judging
        self._cache = Cache()
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="jaxrig-answer")

    def endpoint(self, resource: Resource) -> Endpoint:
        async def answered(request: Request) -> Response:
            work = partial(self._answered, resource, request)
            return await asyncio.get_running_loop().run_in_executor(self._workers, work)

        return answered

    def close(self) -> None:
        self._workers.shutdown(wait=False, cancel_futures=True)
        self._source.close()

    def _answered(self, resource: Resource, request: Request) -> Response:
        try:
            return self._made(resource, _asked(resource, request), request)
        except Refused as refused:
            return responses.refused(request, refused.status, str(refused))
        except OtherWayRound as error:
            return responses.refused(request, HTTPStatus.BAD_REQUEST, str(error))
        except UsageError as error:  # a name that nothing stored has
            return responses.refused(request, HTTPStatus.NOT_FOUND, str(error))
        except DatabaseFailure as error:
            told = self._source.without_place(str(error))
            return responses.refused(request, HTTPStatus.SERVICE_UNAVAILABLE, told)

    def _made(self, resource: Resource, asked: Asked, request: Request) -> Response:
        key = (asked.path, repr(sorted(asked.values.items())))
        with self._source.reading() as reading:
            tag = tag_of(reading.version, *key)
            if is_known(tag, request.headers.get("if-none-match")):
                return responses.known(tag)
            make = partial(resource.make, reading, asked, self._judging)
            return responses.sent(self._cache.answer(reading.version, key, make), tag)


def _asked(resource: Resource, request: Request) -> Asked:
    path = request.url.path.lstrip("/") or "index.html"
    given = request.query_params.multi_items()
    asked = read_asked(resource.parameters, path, given, forms=resource.is_page)
    return replace(asked, values={**asked.values, **request.path_params})


def _fixed(path: str, answer: Answer) -> Endpoint:
    tag = tag_of(path, sha256(answer.body).hexdigest())

    async def answered(request: Request) -> Response:
        return responses.fixed(request, answer, tag)

    return answered


async def _not_routed(request: Request, error: Exception) -> Response:
    """No such address, or no such way to ask."""
    status = HTTPStatus(error.status_code if isinstance(error, HTTPException) else 500)
    told = {
        HTTPStatus.NOT_FOUND: "there is nothing at this address",
        HTTPStatus.METHOD_NOT_ALLOWED: "this address can only be read (GET)",
    }
    response = responses.refused(request, status, told.get(status, status.phrase))
    for name, value in (getattr(error, "headers", None) or {}).items():
        response.headers[name] = value
    return response


async def _broken(request: Request, _error: Exception) -> Response:
    """What is wrong with us the server's log tells, and nobody else."""
    told = "this is a mistake of jaxrig's; what it is stands in the log of the server"
    return responses.refused(request, HTTPStatus.INTERNAL_SERVER_ERROR, told)
