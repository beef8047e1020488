"""Makes answers: in this process, or in others."""

from asyncio import gather, get_running_loop
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from harness.web.answer import Answer
from harness.web.crew import Crew
from harness.web.parameters import Asked
from harness.web.resources import SLOW
from harness.web.source import Source
from harness.web.workshop import Workshop

Floor = Callable[[str], float]

_LEAVES = 10
"""A tenth of a core to who compares beside one who looks: with 5, a third, these waited for more
than 0.15 s at a million measurements under 16 clients (`tests.benchmarks.load`)."""


class Maker(Protocol):
    async def start(self) -> None:
        """Returns once answers can be made without a delay."""

    async def made(self, resource: str, asked: Asked) -> Answer:
        """As of a `Workshop`."""

    def close(self) -> None: ...


class Here:
    """In threads of this process."""

    def __init__(self, source: Source, floor: Floor) -> None:
        self._workshop = Workshop(source, floor)
        self._threads = ThreadPoolExecutor(thread_name_prefix="jaxrig-answer")

    async def start(self) -> None:
        """There is nothing to wait for."""

    async def made(self, resource: str, asked: Asked) -> Answer:
        loop, made = get_running_loop(), self._workshop.made
        return await loop.run_in_executor(self._threads, made, resource, asked)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


class Apart:
    """In so many processes. What takes long has one of its own, which leaves the cores to the
    others: whoever compares delays nobody who looks."""

    def __init__(self, url: str, floor: Floor, processes: int) -> None:
        self._quick = Crew(url, floor, processes)
        self._slow = Crew(url, floor, 1, leave=_LEAVES)

    async def start(self) -> None:
        await gather(self._quick.start(), self._slow.start())

    async def made(self, resource: str, asked: Asked) -> Answer:
        crew = self._slow if resource in SLOW else self._quick
        return await crew.made(resource, asked)

    def close(self) -> None:
        self._quick.close()
        self._slow.close()
