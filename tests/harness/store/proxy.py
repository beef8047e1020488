"""Stands between a client and PostgreSQL, and loses the answer to a COMMIT."""

import socket
import threading
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import Self

_PATIENCE_S = 20.0


class Loss(Enum):
    """What becomes of the next COMMIT."""

    NEVER_SENT = "the client is cut off, the server never sees it"
    NEVER_ANSWERED = "the server carries it out, the client is cut off before it hears of that"
    STILL_UNDER_WAY = "the client is cut off, the server gets it once the client is at it again"


class Proxy:
    """Listens on 127.0.0.1, at `port`, for a server at a socket file."""

    def __init__(self, server: Path) -> None:
        self._server = str(server)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._number_came = threading.Event()
        self.loss: Loss | None = None
        """Of the next COMMIT alone."""
        self.lost = threading.Event()
        """Set once nothing more becomes of it."""

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self._listener, *self._open):
            _cut(each)
        for thread in self._threads:
            thread.join(_PATIENCE_S)

    def _start(self, target: object, *arguments: object) -> None:
        assert callable(target)
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._server)
            self._open += [client, server]
            answered = threading.Event()
            self._start(self._pass_back, server, client, answered)
            self._start(self._pass_on, client, server, answered)

    def _pass_on(
        self, client: socket.socket, server: socket.socket, answered: threading.Event
    ) -> None:
        while data := _received(client):
            if b"INSERT INTO commits" in data:
                self._number_came.set()
            if b"COMMIT" in data and self.loss is not None:
                loss, self.loss = self.loss, None
                self._lose(loss, data, client, server, answered)
                self.lost.set()
                break
            _send(server, data)
        _cut(server)

    def _lose(
        self,
        loss: Loss,
        data: bytes,
        client: socket.socket,
        server: socket.socket,
        answered: threading.Event,
    ) -> None:
        answered.clear()
        self._number_came.clear()
        _cut(client)
        if loss is Loss.NEVER_SENT:
            return
        if loss is Loss.STILL_UNDER_WAY:
            assert self._number_came.wait(_PATIENCE_S)
            # The number must have reached the server, and wait there. Too short a time makes this
            # the other kind of loss, and never the test red.
            answered.wait(0.3)
        _send(server, data)
        assert answered.wait(_PATIENCE_S)

    def _pass_back(
        self, server: socket.socket, client: socket.socket, answered: threading.Event
    ) -> None:
        while data := _received(server):
            answered.set()
            _send(client, data)
        _cut(client)


def _received(source: socket.socket) -> bytes:
    """Nothing at the end."""
    try:
        return source.recv(1 << 16)
    except OSError:
        return b""


def _send(to: socket.socket, data: bytes) -> None:
    with suppress(OSError):  # cut off already
        to.sendall(data)


def _cut(each: socket.socket) -> None:
    with suppress(OSError):  # cut off already
        each.shutdown(socket.SHUT_RDWR)
    each.close()
