"""Where answers are made, in whichever process."""

from collections.abc import Callable, Mapping
from http import HTTPStatus

from harness.compared import OtherWayRound
from harness.errors import UsageError
from harness.web.answer import Answer
from harness.web.labels import Labels
from harness.web.parameters import Asked
from harness.web.refused import Refused, not_there
from harness.web.regressions import Regressions
from harness.web.resource import Judging, Resource
from harness.web.resources import DOCUMENTS, PAGES
from harness.web.source import Source


class Workshop:
    """`floor`: of a case, the smallest change that matters."""

    def __init__(self, source: Source, floor: Callable[[str], float]) -> None:
        self._source = source
        self._judging = Judging(floor=floor, labels=Labels(), regressions=Regressions(floor))
        self._resources: Mapping[str, Resource] = {x.path: x for x in (*PAGES, *DOCUMENTS)}

    def made(self, resource: str, asked: Asked) -> Answer:
        """Of the resource at that path. Raises `Refused`, and `DatabaseFailure`."""
        try:
            with self._source.reading() as reading:
                return self._resources[resource].make(reading, asked, self._judging)
        except OtherWayRound as error:
            raise Refused(HTTPStatus.BAD_REQUEST, str(error)) from error
        except UsageError as error:  # a name that nothing stored has
            raise not_there(str(error)) from error
