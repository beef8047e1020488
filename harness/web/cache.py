"""Answers of one version of a database: each is made once, and kept while there is room."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from threading import Lock

from harness.web.answer import Answer

MOST_BYTES = 64 << 20


class Cache:
    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes, self._bytes = most_bytes, 0
        self._lock = Lock()
        self._version = ""
        self._kept: OrderedDict[Hashable, Answer] = OrderedDict()
        self._made: dict[tuple[str, Hashable], Future[Answer]] = {}

    def answer(self, version: str, asked: Hashable, make: Callable[[], Answer]) -> Answer:
        """Raises what `make` does, to all who wait for it; then it is made anew."""
        with self._lock:
            found = self._found(version, asked)
            if found is not None:
                return found
            coming = self._made.get((version, asked))
            if coming is None:
                mine = self._made[version, asked] = Future()
        if coming is not None:
            return coming.result()
        try:
            mine.set_result(make())
        except BaseException as error:
            mine.set_exception(error)
            raise
        finally:
            with self._lock:
                del self._made[version, asked]
        with self._lock:
            self._keep(version, asked, mine.result())
        return mine.result()

    def _found(self, version: str, asked: Hashable) -> Answer | None:
        if version != self._version:  # nothing of another version is ever asked for again
            self._version, self._bytes = version, 0
            self._kept.clear()
        found = self._kept.get(asked)
        if found is not None:
            self._kept.move_to_end(asked)
        return found

    def _keep(self, version: str, asked: Hashable, answer: Answer) -> None:
        if version != self._version or asked in self._kept:
            return
        self._kept[asked] = answer
        self._bytes += len(answer.body)
        while self._bytes > self._most_bytes:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= len(oldest.body)
