"""Makes answers: here, or in processes of their own, so that they are made on several cores."""

import multiprocessing
import os
import signal
import threading
import time
from asyncio import get_running_loop
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from http import HTTPStatus
from typing import Protocol

from harness.compared import OtherWayRound
from harness.errors import UsageError
from harness.web.answer import Answer
from harness.web.labels import Labels
from harness.web.parameters import Asked
from harness.web.refused import Refused, not_there
from harness.web.resource import Judging, Resource
from harness.web.resources import DOCUMENTS, PAGES
from harness.web.source import Source

Floor = Callable[[str], float]

_LOOKS_S = 2.0
"""How often a process looks whether the one that it works for is there."""


class Maker(Protocol):
    async def made(self, resource: str, asked: Asked) -> Answer:
        """Of the resource at that path. Raises `Refused`, and `DatabaseFailure`."""

    async def start(self) -> None:
        """Returns once answers can be made without a delay."""

    def close(self) -> None: ...


class Here:
    """In threads of this process."""

    def __init__(self, source: Source, floor: Floor) -> None:
        self._workshop = Workshop(source, floor)
        self._threads = ThreadPoolExecutor(thread_name_prefix="jaxrig-answer")

    async def made(self, resource: str, asked: Asked) -> Answer:
        return await get_running_loop().run_in_executor(
            self._threads, self._workshop.made, resource, asked
        )

    async def start(self) -> None:
        """There is nothing to wait for."""

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


class Apart:
    """In so many processes, each of which reads the database by itself."""

    def __init__(self, url: str, floor: Floor, processes: int) -> None:
        self._url, self._floor, self._processes = url, floor, processes
        self._pool = self._opened()

    async def made(self, resource: str, asked: Asked) -> Answer:
        pool, loop = self._pool, get_running_loop()
        try:
            return await loop.run_in_executor(pool, _made, resource, asked)
        except BrokenProcessPool:  # one of them was killed: of the others nothing comes either
            return await loop.run_in_executor(self._renewed(pool), _made, resource, asked)

    async def start(self) -> None:
        loop = get_running_loop()
        for each in [loop.run_in_executor(self._pool, _rest) for _ in range(self._processes)]:
            await each

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _renewed(self, broken: Executor) -> Executor:
        if self._pool is broken:
            self._pool = self._opened()
        return self._pool

    def _opened(self) -> Executor:
        return ProcessPoolExecutor(
            self._processes,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_begin,
            initargs=(self._url, self._floor, os.getpid()),
        )


class Workshop:
    """What makes an answer, wherever that is."""

    def __init__(self, source: Source, floor: Floor) -> None:
        self._source = source
        self._judging = Judging(floor=floor, labels=Labels())
        self._resources: Mapping[str, Resource] = {x.path: x for x in (*PAGES, *DOCUMENTS)}

    def made(self, resource: str, asked: Asked) -> Answer:
        try:
            with self._source.reading() as reading:
                return self._resources[resource].make(reading, asked, self._judging)
        except OtherWayRound as error:
            raise Refused(HTTPStatus.BAD_REQUEST, str(error)) from error
        except UsageError as error:  # a name that nothing stored has
            raise not_there(str(error)) from error


_workshop: Workshop | None = None


def _begin(url: str, floor: Floor, parent: int) -> None:
    """Of a process that makes answers."""
    global _workshop
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one that it works for
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    _workshop = Workshop(Source(url), floor)


def _watch(parent: int) -> None:
    """Ends with the process that it works for, however that ended."""
    while os.getppid() == parent:
        time.sleep(_LOOKS_S)
    os._exit(1)


def _made(resource: str, asked: Asked) -> Answer:
    if _workshop is None:
        raise RuntimeError("this process was not begun")
    return _workshop.made(resource, asked)


def _rest() -> None:
    """Long enough for each of the processes to be given one."""
    time.sleep(0.05)
