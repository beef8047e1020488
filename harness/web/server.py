"""Serves the application on an address of this machine, until it is told to end."""

import ipaddress
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from harness.errors import EnvironmentFailure

_WAITS_S = 5
"""For answers that are being made when it is told to end."""

_ENDS = (signal.SIGINT, signal.SIGTERM)


def listen(host: str, port: int) -> socket.socket:
    """Raises `EnvironmentFailure` where that is taken, forbidden, or none of this machine's."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
    except OSError as error:
        raise _failure(host, port, error) from error
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen()
    except OSError as error:
        listening.close()
        raise _failure(host, port, error) from error
    return listening


def address_of(listening: socket.socket, host: str) -> str:
    """As a browser takes it."""
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{listening.getsockname()[1]}/"


def is_loopback(listening: socket.socket) -> bool:
    """Whether nobody else's machine can reach it."""
    return ipaddress.ip_address(listening.getsockname()[0].partition("%")[0]).is_loopback


def own_names(host: str) -> frozenset[str]:
    """What a server on loopback may be called."""
    own = f"[{host}]" if ":" in host else host
    return frozenset({"localhost", "127.0.0.1", "[::1]", own.lower()})


def serve(app: ASGIApp, listening: socket.socket, ready: Callable[[], None]) -> None:
    """Until SIGINT or SIGTERM. `ready`: called once it answers; raises `EnvironmentFailure` where
    it never does."""
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_WAITS_S,
    )
    server = _Server(config, ready)
    server.run(sockets=[listening])
    if not server.started:
        raise EnvironmentFailure("the server did not come up; why, it said above")


class _Server(uvicorn.Server):
    """That it is told to end is how it ends, and no failure."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Without sending itself afterwards what it was sent."""
        before = {each: signal.signal(each, self.handle_exit) for each in _ENDS}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)


def _failure(host: str, port: int, error: OSError) -> EnvironmentFailure:
    reason = error.strerror or str(error)
    return EnvironmentFailure(
        f"cannot listen at {host}:{port}: {reason}; --host and --port name another address, "
        "--port 0 whichever port is free"
    )
