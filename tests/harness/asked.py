"""What is asked of a small database in which nothing is missing."""

import json
from typing import Any

from tests.benchmarks.years import Years
from tests.harness.called import called

YEARS = Years(machines=2, targets=2, cases=5, nights=3, samples=5)

ENDLESS_ROWS = (
    "WITH RECURSIVE counted AS (SELECT 0 AS n UNION ALL SELECT n + 1 FROM counted) "
    "SELECT n FROM counted"
)


def answered(*words: str) -> list[dict[str, Any]]:
    code, out, err = called(*words, "--format", "json")
    assert code == 0, err
    found: list[dict[str, Any]] = json.loads(out)
    return found
