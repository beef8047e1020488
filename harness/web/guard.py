"""What every answer says to browsers, and who may ask: around the whole application."""

from collections.abc import Collection
from http import HTTPStatus

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_NOTHING = "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
"""The hash of no text at all: Plotly makes an empty style element, and adds its rules by script."""

_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": f"'self' {_NOTHING}",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}

HEADERS = {
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in _POLICY.items()),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class Guard:
    """`hosts`: as they may be asked for; None: by whatever name. A server on loopback that answers
    to any name answers every page that a browser has open: its owner lets that name lead here
    (DNS rebinding)."""

    def __init__(self, app: ASGIApp, hosts: Collection[str] | None) -> None:
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_RAW]
            await send(message)

        app = self._app if self._is_known(scope) else _MISDIRECTED
        await app(scope, receive, guarded)

    def _is_known(self, scope: Scope) -> bool:
        told = [value for name, value in scope["headers"] if name == b"host"]
        if self._hosts is None:
            return True
        return len(told) == 1 and host_of(told[0].decode("latin-1")) in self._hosts


def host_of(header: str) -> str:
    """Without the port."""
    if header.startswith("["):
        return header.partition("]")[0].lower() + "]"
    return header.partition(":")[0].lower().rstrip(".")


_RAW = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]

_MISDIRECTED = PlainTextResponse(
    "this server answers to the name of its own machine alone\n",
    status_code=HTTPStatus.MISDIRECTED_REQUEST,
)
