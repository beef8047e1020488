"""The application: which address is answered by what, and what happens where it cannot be."""

from asyncio import get_running_loop
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

from harness.errors import DatabaseFailure
from harness.web import assets, openapi, responses
from harness.web.answer import Answer, document, is_known, tag_of
from harness.web.cache import Cache
from harness.web.guard import Guard
from harness.web.maker import Maker
from harness.web.parameters import Asked, read_asked
from harness.web.refused import Refused
from harness.web.resource import Resource
from harness.web.resources import DOCUMENTS, PAGES
from harness.web.source import Source

_FIRST = "index.html"

Endpoint = Callable[[Request], Awaitable[Response]]


def application(source: Source, maker: Maker, hosts: Collection[str] | None) -> ASGIApp:
    """Both are closed at the end. `hosts`: as of `Guard`."""
    answering = Answering(source, maker)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await maker.start()
        yield
        answering.close()

    files = {openapi.PATH: document(openapi.openapi(DOCUMENTS)), **assets.assets()}
    app = Starlette(
        routes=[
            *(Route(path, _fixed(path, answer)) for path, answer in files.items()),
            Route("/", answering.endpoint(PAGES[0])),
            *(Route(_route(each), answering.endpoint(each)) for each in (*DOCUMENTS, *PAGES)),
        ],
        lifespan=lifespan,
        exception_handlers={HTTPException: _not_routed, Exception: _broken},
    )
    return Guard(app, hosts)


class Answering:
    """What was made before of the same version is not made again, and not sent again."""

    def __init__(self, source: Source, maker: Maker) -> None:
        self._source, self._maker, self._cache = source, maker, Cache()
        self._looking = ThreadPoolExecutor(thread_name_prefix="jaxrig-version")

    def endpoint(self, resource: Resource) -> Endpoint:
        async def answered(request: Request) -> Response:
            try:
                return await self._answered(resource, _asked(resource, request), request)
            except Refused as refused:
                return responses.refused(request, refused.status, refused.told)
            except DatabaseFailure as error:
                told = self._source.without_place(str(error))
                return responses.refused(request, HTTPStatus.SERVICE_UNAVAILABLE, told)

        return answered

    def close(self) -> None:
        self._maker.close()
        self._looking.shutdown(wait=False, cancel_futures=True)
        self._source.close()

    async def _answered(self, resource: Resource, asked: Asked, request: Request) -> Response:
        version = self._source.version_at_once() or await self._version()
        key = (asked.path, repr(sorted(asked.values.items())))
        tag = tag_of(version, *key)
        if is_known(tag, request.headers.get("if-none-match")):
            return responses.known(tag)
        make = partial(self._maker.made, resource.path, asked)
        return responses.sent(await self._cache.answer(version, key, make), tag)

    async def _version(self) -> str:
        return await get_running_loop().run_in_executor(self._looking, self._source.version)


def _route(resource: Resource) -> str:
    """A run's name may have slashes in it, as tags have."""
    return resource.path.replace("{run}", "{run:path}")


def _asked(resource: Resource, request: Request) -> Asked:
    path = request.url.path.lstrip("/") or _FIRST
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
