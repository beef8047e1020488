"""Answers as they are sent."""

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from harness.report.site.site import render
from harness.web.answer import HTML, JSON, Answer, error, is_known
from harness.web.pages.failed import FailedPage

_AGAIN_S = "5"


def known(tag: str) -> Response:
    """Whoever asks has it already."""
    return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=_kept(tag))


def sent(answer: Answer, tag: str) -> Response:
    headers = _kept(tag)
    if answer.after is not None:
        headers["Link"] = f'<{answer.after}>; rel="next"'
    return Response(answer.body, media_type=answer.media, headers=headers)


def fixed(request: Request, answer: Answer, tag: str) -> Response:
    """What is the same for as long as this server runs."""
    if is_known(tag, request.headers.get("if-none-match")):
        return known(tag)
    return sent(answer, tag)


def refused(request: Request, status: HTTPStatus, told: str) -> Response:
    """As a page, or as JSON where that was asked for."""
    headers = {"Cache-Control": "no-store"}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = _AGAIN_S
    path = request.url.path.lstrip("/")
    if path.startswith("api/"):
        return Response(error(told).body, status, headers, media_type=JSON)
    page = render("failure", path, FailedPage(title=status.phrase, told=told))
    return Response(page, status, headers, media_type=HTML)


def _kept(tag: str) -> dict[str, str]:
    """Asked for anew each time, and sent only where it is another one."""
    return {"ETag": tag, "Cache-Control": "no-cache"}
