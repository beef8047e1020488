"""Processes that make answers, each one at a time: so they are made on several cores."""

import multiprocessing
import os
import pickle
import signal
import socket
import struct
from asyncio import Queue, StreamReader, StreamWriter, gather, open_unix_connection
from collections.abc import Callable
from traceback import format_exc
from typing import TYPE_CHECKING, Any, BinaryIO

from harness.errors import JaxrigError
from harness.web.answer import Answer
from harness.web.parameters import Asked
from harness.web.refused import Refused

if TYPE_CHECKING:
    from harness.web.workshop import Workshop

Floor = Callable[[str], float]

_READY = "ready"

_SIZE = struct.Struct("<Q")
"""Before each message: bytes that follow, a pickle. Both ends are this program, and nobody else has
either."""


class Mistake(Exception):
    """A mistake of jaxrig's: the traceback of the process where it was made."""


class Crew:
    """`leave`: how far they leave the cores to others, as `nice` takes it. Of one event loop."""

    def __init__(self, url: str, floor: Floor, count: int, *, leave: int = 0) -> None:
        self._told, self._count = (url, floor, leave), count
        self._members: list[_Member] = []
        self._free = Queue[_Member]()

    async def start(self) -> None:
        """Returns once they are ready."""
        for each in await gather(*(_Member.started(*self._told) for _ in range(self._count))):
            self._members.append(each)
            self._free.put_nowait(each)

    async def made(self, resource: str, asked: Asked) -> Answer:
        """By the first that is free. Raises as `Workshop.made`."""
        member = await self._free.get()
        try:
            return await member.made(resource, asked)
        except (EOFError, OSError):
            member = await self._in_place_of(member)
            return await member.made(resource, asked)
        finally:
            self._free.put_nowait(member)

    async def _in_place_of(self, member: "_Member") -> "_Member":
        """Of one that was killed."""
        member.close()
        other = await _Member.started(*self._told)
        self._members[self._members.index(member)] = other
        return other

    def close(self) -> None:
        for each in self._members:
            each.close()


class _Member:
    def __init__(
        self,
        process: multiprocessing.process.BaseProcess,
        reader: StreamReader,
        writer: StreamWriter,
    ) -> None:
        self._process, self._reader, self._writer = process, reader, writer

    @classmethod
    async def started(cls, url: str, floor: Floor, leave: int) -> "_Member":
        own, other = socket.socketpair()
        context = multiprocessing.get_context("spawn")
        process = context.Process(target=_work, args=(other, url, floor, leave), daemon=True)
        process.start()
        other.close()
        member = cls(process, *await open_unix_connection(sock=own))
        await member._received()
        return member

    async def made(self, resource: str, asked: Asked) -> Answer:
        """Raises EOFError or OSError where the process is gone."""
        self._writer.write(_message((resource, asked)))
        found = await self._received()
        if isinstance(found, Answer):
            return found
        raise found

    async def _received(self) -> Any:
        (size,) = _SIZE.unpack(await self._reader.readexactly(_SIZE.size))
        return pickle.loads(await self._reader.readexactly(size))  # noqa: S301 (our own)

    def close(self) -> None:
        self._writer.close()
        self._process.terminate()


def _message(content: object) -> bytes:
    pickled = pickle.dumps(content, pickle.HIGHEST_PROTOCOL)
    return _SIZE.pack(len(pickled)) + pickled


def _work(other: socket.socket, url: str, floor: Floor, leave: int) -> None:
    """Of such a process. It ends with the one that it works for, however that ended."""
    from harness.web.source import Source
    from harness.web.workshop import Workshop

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one that it works for
    os.nice(leave)
    workshop = Workshop(Source(url), floor)
    with other, other.makefile("rb") as stream:
        other.sendall(_message(_READY))
        while size := stream.read(_SIZE.size):
            resource, asked = _read(stream, *_SIZE.unpack(size))
            other.sendall(_message(_made(workshop, resource, asked)))


def _read(stream: BinaryIO, size: int) -> Any:
    return pickle.loads(stream.read(size))  # noqa: S301 (our own)


def _made(workshop: "Workshop", resource: str, asked: Asked) -> Answer | Exception:
    try:
        return workshop.made(resource, asked)
    except (Refused, JaxrigError) as error:
        return error
    except Exception:  # whatever it is, it is told there, where there is a log
        return Mistake(format_exc())
