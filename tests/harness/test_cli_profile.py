"""`jaxrig profile`, and `run --profile`, as they are typed."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from harness.store.reader import Reader
from harness.store.writer import Store
from tests.command import Jaxrig as Command
from tests.harness.called import Jaxrig
from tests.harness.history import add_run, begin_run
from tests.harness.samples import A, B, C, parsed_measurement, parsed_profile


@pytest.fixture
def database(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/results.db"
    with Store(url) as store:
        run, _ = begin_run(store, cases=[A, B])
        launches = [store.begin_launch(run, index=x, part=0, limits={}, env={}) for x in (0, 1, 2)]
        for case in (A, B):
            measured = [parsed_measurement(case, [median_s] * 3) for median_s in (0.25, 0.75)]
            for launch, each in zip(launches, measured, strict=False):
                store.add_measurement(launch, each)
        none_seen: dict[str, Any] = {"device_s": None, "operations": [], "other_operations_s": 0.0}
        store.add_profile(launches[2], parsed_profile(A), parsed_measurement(A))
        store.add_profile(launches[2], parsed_profile(B, **none_seen), parsed_measurement(B))
        store.end_run(run, "done")
    return url


def test_it_prints_a_row_a_case_and_its_kinds_of_operations(jaxrig: Jaxrig, database: str) -> None:
    done = jaxrig("profile", "latest", "--top", "1")
    assert done.code == 0
    table = [line.split() for line in done.out.splitlines()[2:5]]
    assert table == [
        [A, "500", "ms", "250", "ms", "50.0", "%"],
        ["-", "dot", "188", "ms", "75.0", "%", "3"],
        [B, "500", "ms", "none", "seen"],
    ]


def test_operations_can_be_had_one_by_one(jaxrig: Jaxrig, database: str) -> None:
    done = jaxrig("profile", "latest", "--single", "--case", A)
    named = [line.split()[1] for line in done.out.splitlines() if line.startswith("- ")]
    assert named == ["dot.1", "dot.2", "add"]
    assert B not in done.out


def test_its_json_has_totals_and_what_a_call_takes(jaxrig: Jaxrig, database: str) -> None:
    first, second = json.loads(jaxrig("profile", "latest", "--format", "json").out)
    assert (first["case"], first["calls"], first["wall_s"], first["device_s"]) == (A, 4, 2.0, 1.0)
    assert (first["device_call_s"], first["traced_s"], first["device_share"]) == (0.25, 0.5, 0.5)
    assert (first["median_s"], len(first["operations"])) == (0.5, 3)
    assert (second["device_s"], second["device_share"], second["operations"]) == (None, None, [])


def test_its_csv_has_a_row_an_operation(jaxrig: Jaxrig, database: str) -> None:
    rows = list(csv.DictReader(io.StringIO(jaxrig("profile", "latest", "--format", "csv").out)))
    assert [(row["case"], row["operation"], row["seconds"]) for row in rows] == [
        (A, "dot.1", "0.5"),
        (A, "dot.2", "0.25"),
        (A, "add", "0.125"),
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("old",), "has no profile; measure with `jaxrig run --profile`"),
        (("latest", "--case", "dense/*"), "no profiled case of run"),
        (("latest", "--top", "0"), "--top"),
    ],
)
def test_what_there_is_not_is_said(
    jaxrig: Jaxrig, database: str, words: tuple[str, ...], said: str
) -> None:
    with Store(database) as store:
        old = add_run(store, {C: [1.0]}, tags={"old": "1"})
    named = [old if word == "old" else word for word in words]
    if words[0] == "latest":
        with Reader(database) as reader:
            named[0] = reader.runs()[1].run
    done = jaxrig("profile", *named)
    assert done.code == 2
    assert said in done.err


def test_one_s_own_workloads_are_not_profiled(tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text("def test_it(benchmark): benchmark(sum, (1, 2))\n")
    done = Command(folder=tmp_path)("run", "--workloads", ".", "--profile")
    assert done.code == 2
    assert "not --workloads" in done.err
