"""Two runs, compared here as `jaxrig compare` does."""

from dataclasses import replace

from harness.compare import Comparison
from harness.compared import compared
from harness.report.comparisons import comparison_view, pairing_view
from harness.web.answer import Answer, document
from harness.web.api.schemas import numbers, record, rows, texts
from harness.web.pages.compare import BASE, CANDIDATE, command_of
from harness.web.parameters import Asked
from harness.web.resource import Judging, Resource
from harness.web.source import Reading


def compare(reading: Reading, asked: Asked, judging: Judging) -> Answer:
    found = compared(reading.reader, asked["base"], asked["candidate"], judging.floor)
    if isinstance(found, Comparison):
        return document(comparison_view(found, command_of(found)).document)
    return document(pairing_view(found).document)


COMPARE = Resource(
    path="/api/compare",
    text="two runs case by case: judged in turns, or by what the machine's runs scatter",
    make=compare,
    parameters=(replace(BASE, required=True), replace(CANDIDATE, required=True)),
    schema=record(
        base={"type": "string"},
        candidate={"type": "string"},
        in_turns={"type": "boolean"},
        cases=rows(
            record(
                case={"type": "string"},
                **texts("metric", "verdict"),
                **numbers("ratio", "low", "high", "pairs"),
            )
        ),
        verdict={"type": "string"},
    ),
)
