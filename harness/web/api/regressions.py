"""What got slower, and what became of it."""

from harness.report.regressions import regressions_view
from harness.states import OPEN, STATES
from harness.web.answer import Answer, document
from harness.web.api.paging import cut, page_of
from harness.web.api.schemas import numbers, record, rows, texts
from harness.web.choosing import CASES, ISOLATION, MACHINE, TARGET, filters_of
from harness.web.parameters import PAGING, Asked, one_of
from harness.web.resource import Judging, Resource
from harness.web.source import Reading


def regressions(reading: Reading, asked: Asked, judging: Judging) -> Answer:
    filters = filters_of(asked)
    reading.known.check(filters)
    states = asked["state"] or OPEN
    slower = judging.regressions.of(reading, filters)
    found = [each for each in slower.found if each.state in states]
    shown, after = page_of(cut(found, asked), asked)
    return document(regressions_view(shown).document, after)


REGRESSIONS = Resource(
    path="/api/regressions",
    text="regressions, the newest first; of a large database as `jaxrig regressions announce` kept "
    "them",
    make=regressions,
    parameters=(
        CASES,
        MACHINE,
        TARGET,
        ISOLATION,
        one_of("state", f"default: {' and '.join(OPEN)}; repeats", STATES, repeats=True),
        *PAGING,
    ),
    schema=rows(
        record(
            **texts("name", "state", "case", "machine", "machine_name", "target", "isolation"),
            **numbers("ratio", "low", "high"),
            run={"type": "string"},
            started_at={"type": "string", "format": "date-time"},
            decisions={"type": "array"},
        )
    ),
)
