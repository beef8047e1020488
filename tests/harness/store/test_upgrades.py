"""A database of every earlier schema keeps what it holds, on both databases."""

from typing import Any

import pandas as pd
import pytest
from alembic import command
from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.exc import IntegrityError

from harness.contents import Distribution
from harness.errors import DatabaseFailure
from harness.store.check import check
from harness.store.database import SCHEMA_VERSION
from harness.store.filters import Filters
from harness.store.ledger import list_kept
from harness.store.migrate import configuration
from harness.store.reader import Reader
from harness.store.writer import Store
from harness.told import told
from tests.harness.history import begin_run
from tests.harness.samples import A, parsed_measurement, parsed_profile

VERSIONS = tuple(f"{number:04}" for number in range(1, int(SCHEMA_VERSION)))

BYTES = "decode('000000000000e03f000000000000d03f', 'hex')"
"""0.5 and 0.25 as earlier schemas held them, in PostgreSQL's words."""

GPU = """{"name": "g", "cpu_model": "C", "gpus": [{"model": "G"}], "gpu_driver": "%s"}"""

FIRST = (
    "INSERT INTO machines VALUES (1, 'f', 'm', '{}', '2026-01-01')",
    f"INSERT INTO machines VALUES (2, 'g1', 'g', '{GPU % 1}', '2026-01-01')",
    f"INSERT INTO machines VALUES (3, 'g2', 'g', '{GPU % 2}', '2026-01-01')",
    "INSERT INTO environments VALUES (1, 'e', '{}')",
    *(
        "INSERT INTO runs VALUES"
        f" ({run}, '{name}', 'done', 'cpu', 'cpu', 'process', 'quick', '[\"a\"]', 1, '{{}}',"
        f" {machine}, NULL, NULL, NULL, '0.1.0', 'o', '2026-01-01', '2026-01-01', NULL)"
        for run, name, machine in ((1, "old", 1), (2, "one", 2), (3, "two", 3))
    ),
    *(
        'INSERT INTO launches (id, run_id, "index", part, status, limits, env, environment_id,'
        " log, started_at)"
        f" VALUES ({run}, {run}, 0, 0, 'done', '{{}}', '{{}}', 1, 'a log', '2026-01-01')"
        for run in (1, 2, 3)
    ),
    *(
        'INSERT INTO measurements (id, launch_id, "case", workload, phase, dtype, parameters,'
        " samples_s, rounds, median_s, calls_per_round, trace_s, lower_s, compile_s, first_call_s,"
        " flops, bytes, hlo_sha256, numerics_error, numerics_tolerance, minor_faults, major_faults,"
        " voluntary_switches, involuntary_switches, timed_s, warnings, measured_at)"
        f" VALUES ({launch}, {launch}, 'a', 'w', 'p', 'f32', '{{}}', {BYTES},"
        " 2, 0.375, 1, 1.5, 1, 1, 1, 1, 1, 'ab', 0, 1, 0, 0, 0, 0, 1, '[\"hot\"]',"
        " '2026-01-01 00:00:09.5')"
        for launch in (1, 2, 3)
    ),
)
CATALOGUE = ("INSERT INTO skips VALUES (1, 1, 'b', 'too large')",)
OWN = (
    'INSERT INTO measurements (id, launch_id, "case", workload, parameters, samples_s, rounds,'
    " median_s, calls_per_round, minor_faults, major_faults, voluntary_switches,"
    " involuntary_switches, timed_s, warnings, observations, measured_at, benchmark_group,"
    " benchmark_options, extra_info)"
    f" VALUES (4, 1, 'test_b', 'test_b', '{{}}', {BYTES}, 2, 0.375, 1, 0, 0, 0, 0, 1, '[]', '{{}}',"
    " '2026-01-01 00:00:09.5', 'g', '{\"timer\": \"t\"}', '{\"x\": 1}')",
)
TURNS = (
    "INSERT INTO pairings VALUES (1, 1, 2, 21, '{}')",
    (
        "INSERT INTO verdicts VALUES"
        " (1, 1, 'a', 'time', 's', 'slower', 1.1, 1.05, 1.2, 7, 0.5, 0.05, '[]')"
    ),
)
NIGHTS = (
    "INSERT INTO images VALUES (1, 'sha256:d', 't', '2026-01-01')",
    "INSERT INTO anchors VALUES (1, 1, 'cpu', 1, 1, 'first', NULL, '2026-01-01')",
    "INSERT INTO nights VALUES (1, 1)",
)
SHARED = ("INSERT INTO imports VALUES (3, 'asv', 'ab', 'a.json', '[\"env\"]', '2026-01-01')",)
BOUNDS = ("INSERT INTO failures VALUES (1, 1, 1, 'b', 'raised', 'boom', '2026-01-01')",)
KERNELS = ("UPDATE programs SET kernels = 3, arguments = 2",)
REGRESSIONS = (
    (
        "INSERT INTO regressions VALUES (1, '00000000000000000000000000000001', 'r', 'a', 1, 'cpu',"
        " 'process', 's', 'old', '2026-01-01', 1.1, '2026-01-01', NULL, NULL)"
    ),
    (
        "INSERT INTO decisions VALUES (1, '00000000000000000000000000000002', 1, 'ignored',"
        " 'known', 'me', '2026-01-01')"
    ),
)
INGREDIENTS = ("UPDATE images SET dockerfile_sha256 = 'd', packages = '{\"jax\": \"0.9.0\"}'",)
DISTRIBUTION = (
    'UPDATE images SET distribution = \'{"name": "debian", "release": null, "packages": {}}\'',
)
WATCHED = ('UPDATE measurements SET gpu = \'{"name": "g"}\' WHERE id < 4',)
ADDED = (
    *(FIRST, CATALOGUE, OWN, TURNS, NIGHTS, SHARED, BOUNDS, KERNELS, REGRESSIONS),
    *(INGREDIENTS, DISTRIBUTION, WATCHED),
)
"""What each schema could hold that those before it could not."""

UNCOUNTED = ("alembic_version", "nights", "machine_links", "imports", "commits")
"""Tables whose rows have no number of their own."""


@pytest.fixture(params=VERSIONS)
def older(request: pytest.FixtureRequest, either_url: str) -> tuple[str, int]:
    """A database of that schema with data in all its tables, and its number."""
    version = int(request.param)
    make(either_url, version)
    return either_url, version


def make(url: str, version: int) -> None:
    engine = create_engine(url)
    for number, statements in enumerate(ADDED[:version], start=1):
        with engine.begin() as connection:
            settings = configuration()
            settings.attributes["connection"] = connection
            command.upgrade(settings, f"{number:04}")
            for statement in statements:
                connection.execute(text(_in_words_of(engine.dialect.name, statement)))
            if engine.dialect.name == "postgresql":
                _count_on(connection)
    engine.dispose()


def execute(url: str, statement: str, **values: float) -> None:
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            connection.execute(text(statement), values)
    finally:
        engine.dispose()


def _count_on(connection: Connection) -> None:
    """PostgreSQL counts rows by sequences, which know nothing of keys that were given."""
    for name in inspect(connection).get_table_names():
        if name not in UNCOUNTED:
            highest = f"(SELECT coalesce(max(id), 0) + 1 FROM {name})"
            connection.execute(
                text(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), {highest}, false)")
            )


def _in_words_of(database: str, statement: str) -> str:
    if database == "postgresql":
        return statement
    return statement.replace(BYTES, "x'000000000000e03f000000000000d03f'")


def test_measurements_are_the_same(older: tuple[str, int]) -> None:
    url, version = older
    Store(url).close()
    with Reader(url) as reader:
        rows = reader.measurements("old").to_dict("records")
    row = rows[0]
    assert (row["case"], row["workload"], row["phase"], row["dtype"]) == ("a", "w", "p", "f32")
    assert row["samples_s"].tolist() == [0.5, 0.25]
    assert (row["median_s"], row["trace_s"], row["hlo_sha256"]) == (0.375, 1.5, "ab")
    assert (row["after_s"], row["warnings"]) == (9.5, ["hot"])
    # What the first schema did not know was nothing: until then no case read or sent anything.
    if version == 1:
        assert (row["storage_bytes"], row["observations"]) == (0.0, {})
    if version < 3:
        assert len(rows) == 1
        return
    own = rows[1]
    assert (own["case"], own["benchmark_group"], own["extra_info"]) == ("test_b", "g", {"x": 1})
    assert own["benchmark_options"] == {"timer": "t"}
    assert pd.isna(own["hlo_sha256"])


def test_everything_around_them_is_kept(older: tuple[str, int]) -> None:
    url, version = older
    Store(url).close()
    with Reader(url) as reader:
        (launch,) = reader.launches("old")
        skips, pairings = reader.skips("old"), reader.pairings("old")
        anchors = reader.anchors(reader.run("old").machine, "cpu")
    assert launch.log == "a log"
    assert [skip.reason for skip in skips] == (["too large"] if version >= 2 else [])
    told = [(each.base, each.candidate, each.slower[0].ratio) for each in pairings]
    assert told == ([("old", "one", 1.1)] if version >= 4 else [])
    assert [each.image for each in anchors] == (["sha256:d"] if version >= 5 else [])


def test_machines_that_differed_in_their_driver_become_one(older: tuple[str, int]) -> None:
    url, _ = older
    Store(url).close()
    with Reader(url) as reader:
        assert reader.run("one").machine == reader.run("two").machine
        assert [each.runs for each in reader.machines()] == [1, 2]
        assert all("gpu_driver" not in each.facts for each in reader.machines())
        drivers: list[Any] = [
            (reader.launches(name)[0].environment or {}).get("gpu_driver")
            for name in ("old", "one", "two")
        ]
    assert drivers == [None, "1", "2"]


def test_rounds_that_nobody_told_can_be_unknown(older: tuple[str, int]) -> None:
    url, _ = older
    with Store(url) as store, store._engine.begin() as connection:
        connection.execute(text("UPDATE measurements SET rounds = NULL, calls_per_round = NULL"))
        if connection.dialect.name == "sqlite":
            assert connection.scalar(text("PRAGMA integrity_check")) == "ok"
    with Reader(url) as reader:
        row = reader.measurements("old").iloc[0]
    assert pd.isna(row["rounds"])
    assert pd.isna(row["calls_per_round"])


@pytest.mark.parametrize("version", range(1, 7))
def test_nonsense_from_before_becomes_unknown_and_is_refused_from_here_on(
    either_url: str, version: int
) -> None:
    """Later schemas never held it."""
    url = either_url
    make(url, version)
    owner = "programs" if version >= 6 else "measurements"
    execute(url, f"UPDATE {owner} SET xla_bytes = -1, xla_flops = 5")
    execute(url, "UPDATE measurements SET timed_s = -1, trace_s = 2 WHERE id < 3")
    Store(url).close()
    with Reader(url) as reader:
        row = reader.measurements("old").iloc[0]
    assert (row["xla_bytes"], row["xla_flops"]) == (None, 5.0)
    assert (pd.isna(row["timed_s"]), row["trace_s"]) == (True, 2.0)
    for nonsense in ("measurements SET timed_s = -1", "programs SET xla_bytes = -1"):
        with pytest.raises(IntegrityError):
            execute(url, f"UPDATE {nonsense}")
    assert all(each.ok for each in check(url) if each.check == "file")


def test_nonsense_that_cannot_be_unknown_stops_the_upgrade(either_url: str) -> None:
    make(either_url, 6)
    execute(either_url, "UPDATE measurements SET median_s = :inf", inf=float("inf"))
    with pytest.raises(DatabaseFailure, match="median_s"):
        Store(either_url)
    with pytest.raises(DatabaseFailure, match="has the older schema 0006"):
        Reader(either_url)


def test_a_table_that_is_defined_otherwise_stops_the_upgrade(url: str) -> None:
    make(url, 6)
    rename = "ALTER TABLE measurements RENAME COLUMN {} TO {}"
    for names in (("rounds", "x"), ("x", '"rounds"')):
        execute(url, rename.format(*names))
    with pytest.raises(
        DatabaseFailure, match=r"measurements was not defined by jaxrig.*\(rounds\)"
    ):
        Store(url)
    with pytest.raises(DatabaseFailure, match="has the older schema 0006"):
        Reader(url)


def test_what_kernels_do_is_kept(older: tuple[str, int]) -> None:
    url, version = older
    Store(url).close()
    with Reader(url) as reader:
        row = reader.measurements("old").iloc[0]
        failures = reader.failures("old")
    assert (told(row["kernels"]), told(row["arguments"])) == (
        (3, 2) if version >= 8 else (None,) * 2
    )
    assert [each.message for each in failures] == (["boom"] if version >= 7 else [])


def test_regressions_can_be_kept_from_here_on(older: tuple[str, int]) -> None:
    url, version = older
    Store(url).close()
    execute(
        url,
        "INSERT INTO regressions VALUES (2, '00000000000000000000000000000007', 'n', 'a', 1, 'cpu',"
        " 'process', 's', 'old', '2026-01-01 00:00:00', 1.1, '2026-01-01 00:00:00', NULL, NULL)",
    )
    with pytest.raises(IntegrityError):
        execute(url, "UPDATE regressions SET ratio = 1")
    kept = {each.name: each for each in list_kept(url, Filters())}
    assert (kept["n"].run, kept["n"].decisions) == ("old", ())
    before = [(each.run, len(each.decisions)) for name, each in kept.items() if name != "n"]
    assert before == ([("old", 1)] if version >= 9 else [])


def test_what_an_image_was_made_of_is_kept(older: tuple[str, int]) -> None:
    url, version = older
    Store(url).close()
    if version >= 5:
        with Reader(url) as reader:
            found = reader.contents("sha256:d")
        known = version >= 10
        assert (found.dockerfile_sha256, found.packages) == (
            ("d", {"jax": "0.9.0"}) if known else (None, None)
        )
        beneath = Distribution(name="debian", release=None, packages={})
        assert found.distribution == (beneath if version >= 11 else None)


def test_what_is_written_next_goes_on_from_there(older: tuple[str, int]) -> None:
    url, _ = older
    with Store(url) as store:
        run, name = begin_run(store)
        launch = store.begin_launch(run, index=0, part=0, limits={}, env={})
        store.add_measurement(launch, parsed_measurement(A, [1.0]))
        store.end_run(run, "done")
    with Reader(url) as reader:
        assert reader.run("latest").run == name
        assert reader.measurements(name)["case"].tolist() == [A]
        assert reader.run("old").measurements >= 1


def test_what_the_gpu_did_is_kept_and_profiles_can_be_from_here_on(older: tuple[str, int]) -> None:
    url, version = older
    with Store(url) as store:
        run, name = begin_run(store)
        launch = store.begin_launch(run, index=0, part=0, limits={}, env={})
        store.add_profile(launch, parsed_profile(A), parsed_measurement(A))
    with pytest.raises(IntegrityError):
        execute(url, "UPDATE profiles SET wall_s = -1")
    with Reader(url) as reader:
        assert [each.case for each in reader.profiles(name)] == [A]
        assert reader.profiles("old") == []
        gpu = reader.measurements("old").iloc[0]["gpu"]
    assert gpu == ({"name": "g"} if version >= 12 else None)
