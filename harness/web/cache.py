"""Answers of one version of a database: each is made once, and kept while there is room."""

from asyncio import Task, create_task, shield
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Hashable
from typing import Any

from harness.web.answer import Answer

MOST_BYTES = 64 << 20

Make = Callable[[], Coroutine[Any, Any, Answer]]


class Cache:
    """Of one event loop."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes, self._bytes = most_bytes, 0
        self._version = ""
        self._kept: OrderedDict[Hashable, Answer] = OrderedDict()
        self._coming: dict[tuple[str, Hashable], Task[Answer]] = {}

    async def answer(self, version: str, asked: Hashable, make: Make) -> Answer:
        """Raises what `make` does, to all who wait for it; then it is made anew."""
        if version != self._version:  # nothing of another version is ever asked for again
            self._version, self._bytes = version, 0
            self._kept.clear()
        if asked in self._kept:
            self._kept.move_to_end(asked)
            return self._kept[asked]
        coming = self._coming.get((version, asked))
        if coming is None:
            coming = self._coming[version, asked] = create_task(self._made(version, asked, make))
        return await shield(coming)  # whoever goes takes nothing from those who wait

    async def _made(self, version: str, asked: Hashable, make: Make) -> Answer:
        try:
            answer = await make()
        finally:
            del self._coming[version, asked]
        if version == self._version:
            self._keep(asked, answer)
        return answer

    def _keep(self, asked: Hashable, answer: Answer) -> None:
        self._kept[asked] = answer
        self._bytes += len(answer.body)
        while self._bytes > self._most_bytes:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= len(oldest.body)
