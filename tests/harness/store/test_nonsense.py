"""What makes no sense cannot be stored, whoever writes it: both databases refuse it."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import IntegrityError

from harness.store.writer import Store
from tests.harness.history import SAME, add_pair, add_run
from tests.harness.samples import A
from tests.harness.store.test_ledger import a_regression, decide, put

NONSENSE = (
    "UPDATE programs SET bytes = -1",
    "UPDATE programs SET flops = -1",
    "UPDATE programs SET link_bytes = -1",
    "UPDATE programs SET temp_bytes = -1",
    "UPDATE programs SET xla_flops = -1",
    "UPDATE programs SET xla_bytes = -1",
    "UPDATE programs SET work_count = -1",
    "UPDATE measurements SET peak_rss_bytes = -1",
    "UPDATE measurements SET minor_faults = -1",
    "UPDATE measurements SET involuntary_switches = -1",
    "UPDATE measurements SET trace_s = -1",
    "UPDATE measurements SET first_call_s = -1",
    "UPDATE measurements SET steal_s = -1",
    "UPDATE measurements SET timed_s = -1",
    "UPDATE measurements SET median_s = 0",
    "UPDATE measurements SET median_s = NULL",
    "UPDATE measurements SET rounds = 0",
    "UPDATE measurements SET calls_per_round = 0",
    "UPDATE measurements SET launch_id = 99",
    "UPDATE measurements SET case_id = 99",
    "UPDATE launches SET run_id = 99",
    'UPDATE launches SET "index" = -1',
    "UPDATE launches SET status = 'perhaps'",
    "UPDATE runs SET machine_id = 99",
    "UPDATE runs SET status = 'perhaps'",
    "UPDATE runs SET launches_planned = 0",
    "UPDATE runs SET name = 'the same'",
    "UPDATE runs SET uuid = (SELECT uuid FROM runs ORDER BY id LIMIT 1)",
    "UPDATE pairings SET candidate_run_id = base_run_id",
    "UPDATE pairings SET rounds = -1",
    "UPDATE verdicts SET pairs = -1",
    "UPDATE verdicts SET verdict = 'perhaps'",
    "UPDATE regressions SET ratio = 1",
    "UPDATE regressions SET unit = 'perhaps'",
    "UPDATE regressions SET machine_id = 99",
    "UPDATE regressions SET name = 'the same'",
    "UPDATE regressions SET run_started_at = NULL",
    "UPDATE decisions SET state = 'perhaps'",
    "UPDATE decisions SET state = 'fixed'",
    "UPDATE decisions SET reason = ''",
    "UPDATE decisions SET who = ''",
    "UPDATE decisions SET regression_id = 99",
    "INSERT INTO machine_links VALUES (1, 1, '2026-01-01')",
    (
        "INSERT INTO measurements (launch_id, case_id, rounds, median_s, calls_per_round)"
        " VALUES (1, 1, 1, 1.0, 1)"  # the second of one case in one launch
    ),
)


NUMBERS = (
    *(f"programs SET {name}" for name in ("flops", "bytes", "link_bytes", "xla_flops")),
    *(f"measurements SET {name}" for name in ("median_s", "compile_s", "steal_s", "timed_s")),
    "regressions SET ratio",
)
"""That have bounds."""


@pytest.fixture
def filled(either_url: str) -> Iterator[Engine]:
    """With a run of one measurement, a pair that was judged, and two regressions."""
    with Store(either_url) as store:
        add_run(store, {A: [1.0]})
        add_pair(store, [SAME])
    put(either_url, a_regression(7), a_regression(8))
    decide(either_url, UUID(int=7), "ignored")
    engine = create_engine(either_url)
    if engine.dialect.name == "sqlite":  # off unless it is asked for; every writer asks
        event.listen(
            engine, "connect", lambda driver, _: driver.execute("PRAGMA foreign_keys = ON")
        )
    yield engine
    engine.dispose()


def is_refused(engine: Engine, statement: str, **values: float) -> bool:
    try:
        with engine.begin() as connection:
            connection.execute(text(statement), values)
    except IntegrityError:
        return True
    return False


def test_nonsense_is_refused(filled: Engine) -> None:
    assert [each for each in NONSENSE if not is_refused(filled, each)] == []


def test_numbers_without_bounds_are_refused(filled: Engine) -> None:
    endless = ["inf"] if filled.dialect.name == "sqlite" else ["inf", "nan"]  # SQLite has no NaN
    for word in endless:
        statements = (f"UPDATE {each} = :x" for each in NUMBERS)
        assert [each for each in statements if not is_refused(filled, each, x=float(word))] == []


def test_what_makes_sense_is_not(filled: Engine) -> None:
    with filled.begin() as connection:
        done = connection.execute(text("UPDATE programs SET bytes = 1, flops = 0, temp_bytes = 0"))
        assert done.rowcount == 1
        done = connection.execute(text("UPDATE measurements SET median_s = 2, rounds = 5"))
        assert done.rowcount == 1
        connection.execute(text("UPDATE measurements SET trace_s = NULL, steal_s = 0, timed_s = 1"))
        connection.execute(text("UPDATE programs SET xla_flops = NULL, xla_bytes = 0"))
        connection.execute(text("UPDATE pairings SET rounds = 0"))
        connection.execute(text("UPDATE verdicts SET pairs = 0"))
