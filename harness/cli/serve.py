"""`jaxrig serve`."""

import argparse
import os
from pathlib import Path
from typing import TextIO

from harness.cli.words import positive, saying
from harness.errors import EnvironmentFailure

HOST, PORT = "127.0.0.1", 8000
MOST_PROCESSES = 4
_MOST = 65535


def add(serve: argparse.ArgumentParser) -> None:
    serve.add_argument(
        "--host", default=HOST, help=f"the address to listen at (default: {HOST}, this machine)"
    )
    serve.add_argument(
        "--port", type=_port, default=PORT, help=f"0: whichever is free (default: {PORT})"
    )
    serve.add_argument(
        "--processes",
        type=positive,
        default=min(os.cpu_count() or 1, MOST_PROCESSES),
        metavar="N",
        help=f"that make pages (default: one a core, {MOST_PROCESSES} at most)",
    )


def serve(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.config import load
    from harness.store.url import shown

    _refuse_missing()
    from harness.web import server
    from harness.web.application import application
    from harness.web.maker import Apart
    from harness.web.source import Source

    say = saying(err)
    floor, source = load(Path.cwd()).floor, Source(arguments.db)
    try:
        listening = server.listen(arguments.host, arguments.port)
        address = server.address_of(listening, arguments.host)
        own = server.own_names(arguments.host) if server.is_loopback(listening) else None
        if own is None:
            say(f"there is no log-in: whoever reaches {address} reads everything")
        app = application(source, Apart(arguments.db, floor, arguments.processes), own)
        told = f"serving {shown(arguments.db)} at {address} ; Ctrl-C ends it"
        server.serve(app, listening, lambda: say(told))
    finally:
        source.close()
    return 0


def _refuse_missing() -> None:
    """Raises `EnvironmentFailure`."""
    try:
        import starlette
        import uvicorn
    except ImportError as error:
        raise EnvironmentFailure(
            f"`jaxrig serve` needs {error.name}: pip install 'jaxrig[serve]'"
        ) from error
    del starlette, uvicorn


def _port(text: str) -> int:
    number = int(text) if text.isdecimal() and len(text) <= len(str(_MOST)) else _MOST + 1
    if number > _MOST:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: a whole number up to {_MOST}")
    return number
