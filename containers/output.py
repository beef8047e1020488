"""A running launch's two streams, joined for one reader: stdout in full, stderr as a log."""

import queue
import threading
from collections.abc import Iterator

from containers.errors import EngineUnavailable

_LOG_LIMIT_BYTES = 256 << 10
_QUEUED_CHUNKS = 64  # bounds memory: a launch that prints faster than it is read has to wait


class Output:
    """Filled by one thread, read by another. Bounded on both sides."""

    def __init__(self) -> None:
        self._chunks: queue.Queue[bytes | None] = queue.Queue(_QUEUED_CHUNKS)
        self._log = bytearray()
        self._log_lock = threading.Lock()
        self._error: BaseException | None = None
        self._abandoned = threading.Event()
        self._ended = False

    def feed(self, stdout: bytes | None, stderr: bytes | None) -> None:
        """Adds what came; waits while the reader is behind."""
        if stderr:
            with self._log_lock:
                self._log += stderr
                del self._log[:-_LOG_LIMIT_BYTES]
        if stdout:
            self._put(stdout)

    def close(self, error: BaseException | None = None) -> None:
        """Marks the end; `error` says that the engine, not the launch, ended it."""
        self._error = error
        self._put(None)

    def abandon(self) -> None:
        """Nobody reads any more: feeding must not wait."""
        self._abandoned.set()

    def read(self, timeout_s: float) -> bytes | None:
        """See `Running.read`."""
        if self._ended:
            return b""
        try:
            chunk = self._chunks.get(timeout=max(timeout_s, 0.0))
        except queue.Empty:
            return None
        if chunk is not None:
            return chunk
        self._ended = True
        if self._error is not None:
            raise EngineUnavailable(
                f"the engine stopped answering in the middle of a launch ({self._error}); "
                "see its log, then run again"
            ) from self._error
        return b""

    def log(self) -> str:
        """The end of stderr, as text."""
        with self._log_lock:
            return self._log.decode("utf-8", errors="replace")

    def _put(self, chunk: bytes | None) -> None:
        while not self._abandoned.is_set():
            try:
                self._chunks.put(chunk, timeout=0.5)
            except queue.Full:
                continue
            return


class Lines:
    """Cuts a byte stream into lines without ever holding more than `limit_bytes` of one.

    A longer line is passed over to its end and reported once, as its length in bytes.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._pending = bytearray()
        self._dropped_bytes = 0

    def feed(self, chunk: bytes) -> Iterator[bytes | int]:
        """Complete lines in `chunk` (bytes, without the newline) and lengths of overlong ones."""
        *complete, rest = chunk.split(b"\n")
        for part in complete:
            self._add(part)
            yield from self.finish()
        self._add(rest)

    def finish(self) -> Iterator[bytes | int]:
        """What is pending, as the line that it is now."""
        line, dropped = bytes(self._pending), self._dropped_bytes
        self._pending.clear()
        self._dropped_bytes = 0
        if dropped:
            yield dropped
        elif line.strip():
            yield line

    def _add(self, part: bytes) -> None:
        if self._dropped_bytes or len(self._pending) + len(part) > self._limit_bytes:
            self._dropped_bytes += len(self._pending) + len(part)
            self._pending.clear()
        else:
            self._pending += part
