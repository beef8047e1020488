"""Why a request is not answered, in words for whoever asked."""

from http import HTTPStatus


class Refused(Exception):
    """`status`: of the answer. Its text says what to ask instead."""

    def __init__(self, status: HTTPStatus, told: str) -> None:
        super().__init__(status, told)  # what it is made of again on its way between processes
        self.status, self.told = status, told


def not_there(what: str) -> Refused:
    return Refused(HTTPStatus.NOT_FOUND, what)


def not_asked_so(what: str) -> Refused:
    return Refused(HTTPStatus.BAD_REQUEST, what)
