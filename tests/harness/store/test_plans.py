"""How the databases look measurements up: over indexes, however many there are."""

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Engine, Select, select

from harness.store import filters as conditions
from harness.store.database import open_for_reading
from harness.store.filters import Filters
from harness.store.history import history_query
from harness.store.names import read_names
from harness.store.series import measured_query
from harness.store.tables import OVERVIEW
from tests.benchmarks.years import Years, fill

YEARS = Years(machines=3, targets=2, cases=10, nights=4, samples=2)

ASKED: Mapping[str, dict[str, Any]] = {
    "one case": {"cases": [YEARS.case(3)]},
    "one machine's case": {"cases": [YEARS.case(3)], "machine": "node01"},
    "one machine's case on a target": {
        "cases": [YEARS.case(3)],
        "machine": "node01",
        "target": "cpu",
    },
    "one run": {"run": "20240101-020000-aaaaaa"},
}


LARGE = "measurements|launches|failures|skips|pairings"
"""Tables that grow with every run."""


def measured(engine: Engine, filters: Filters) -> str:
    with engine.connect() as connection:
        names = read_names(connection)
    return plan(engine, measured_query(conditions.measured(filters, names, engine.dialect.name)))


def plan(engine: Engine, query: Select[*tuple[Any, ...]]) -> str:
    """What the database would do, in its words."""
    explain = "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else "EXPLAIN"
    with engine.connect() as connection:
        literal = query.compile(engine, compile_kwargs={"literal_binds": True})
        if engine.dialect.name == "postgresql":  # tables as small as these it had rather read whole
            connection.exec_driver_sql("SET enable_seqscan = off")
        rows = connection.exec_driver_sql(f"{explain} {literal}").all()
    return "\n".join(row[-1] for row in rows)


def test_no_table_is_read_whole(either_url: str) -> None:
    fill(either_url, YEARS)
    engine = open_for_reading(either_url)
    for what, asked in ASKED.items():
        steps = measured(engine, Filters(**asked))
        assert not re.search(r"SCAN|Seq Scan", steps), (what, steps)
        assert re.search(r"(ix|uq|autoindex)_measurements", steps), (what, steps)
    engine.dispose()


def test_what_runs_are_judged_and_listed_by_is_read_over_indexes(either_url: str) -> None:
    fill(either_url, YEARS)
    engine = open_for_reading(either_url)
    history = history_query(
        machine=YEARS.fingerprint(1),
        platform="cpu",
        isolation="container",
        targets=["cpu"],
        cases=[YEARS.case(3)],
    )
    for query in (history, select(OVERVIEW), select(OVERVIEW).where(OVERVIEW.c.run == "x")):
        steps = plan(engine, query)
        assert not re.search(rf"(SCAN|Seq Scan on) ({LARGE})\b", steps), steps
        assert re.search(r"(ix|uq|autoindex)_(launches|measurements)", steps), steps
    assert re.search(r"ix_runs_machine_target", plan(engine, history))
    engine.dispose()


def test_sqlite_begins_with_the_machine_s_runs(url: str) -> None:
    fill(url, YEARS)
    engine = open_for_reading(url)
    steps = measured(engine, Filters(cases=[YEARS.case(3)], machine="node01", target="cpu"))
    engine.dispose()
    assert "ix_runs_machine_target (machine_id=? AND target=?)" in steps
    assert "(case_id=? AND launch_id=?)" in steps
