"""DataFrames of what was measured: what they hold, and that their columns never change."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import create_engine, text

import harness
from harness.errors import DatabaseFailure, UsageError
from harness.results import Results
from harness.store.database import back_up
from harness.store.metrics import METRICS
from harness.store.writer import Store
from tests.checkout import ROOT
from tests.harness.history import MACHINE, add_run, begin_run
from tests.harness.samples import A, B, parsed_benchmark, parsed_measurement

ASKED: Mapping[str, Callable[..., pd.DataFrame]] = {
    "runs": lambda results, *cases: results.runs(*cases),
    "history": lambda results, *cases: results.history(*cases),
    "query": lambda results, *cases: results.query(*cases, metric=[m.name for m in METRICS]),
    "measurements": lambda results, *cases: results.measurements(*cases, samples=True),
    "samples": lambda results, *cases: results.samples(*cases),
}


def dtypes(frame: pd.DataFrame) -> dict[str, str]:
    return {str(name): str(dtype) for name, dtype in frame.dtypes.items()}


@pytest.fixture
def filled(either_url: str) -> str:
    """Two runs; of the second one measurement is pruned, and one is of somebody's own."""
    with Store(either_url) as store:
        add_run(store, {A: [1.0, 3.0], B: [2.0]}, tags={"night": "1"}, git_commit="abc")
        run, _ = begin_run(store, image=None)
        launch = store.begin_launch(run, index=0, part=1, limits={}, env={})
        store.add_measurement(launch, parsed_measurement(A, [4.0, 2.0, 9.0]))
        store.add_measurement(launch, parsed_benchmark("t.py::t[é]", [0.25, 0.5]))
        store.end_run(run, "interrupted")
    engine = create_engine(either_url)
    with engine.begin() as connection:
        pruned = text(
            "UPDATE measurements SET samples_s = NULL, summary = :told WHERE median_s = 3"
        )
        connection.execute(pruned, {"told": json.dumps({"min_s": 2.5})})
    engine.dispose()
    return either_url


def test_columns_and_dtypes_are_those_that_are_documented_of_nothing_too(filled: str) -> None:
    documented = json.loads(_dtypes_of_the_page())
    with harness.open(filled) as results:
        for asked, ask in ASKED.items():
            full, nothing = ask(results), ask(results, "no such case")
            assert (len(full) > 0, len(nothing)) == (True, 0)
            assert list(dtypes(full).items()) == list(documented[asked].items())
            assert dtypes(nothing) == dtypes(full)
            for name in full.select_dtypes("category").columns:
                assert nothing[name].cat.categories.dtype == full[name].cat.categories.dtype
            assert isinstance(full.index, pd.RangeIndex)


def _dtypes_of_the_page() -> str:
    """docs/querying.md has them between these marks, as JSON."""
    page = (ROOT / "docs" / "querying.md").read_text()
    return page.partition("```json dtypes\n")[2].partition("```")[0]


def test_history_and_metrics(filled: str) -> None:
    with harness.open(filled) as results:
        frame = results.history("matmul/*")
        least = results.query(A, metric="min_s")
    assert frame[["case", "median_s", "launches"]].to_numpy().tolist() == [
        [A, 2.0, 2],
        [A, 4.0, 1],
        [B, 2.0, 1],
    ]
    assert frame["started_at"].is_monotonic_increasing is False  # by case first
    assert frame["git_commit"].isna().tolist() == [False, True, False]
    assert least["min_s"].tolist() == [1.0, 2.0]  # of 1.0 and of what was pruned, 2.5


def test_what_was_pruned_has_a_summary(filled: str) -> None:
    with harness.open(filled) as results:
        least = results.query(A, metric=["min_s"], run="latest~1")
        frame = results.measurements(A, samples=True, run="latest~1")
    assert least["min_s"].tolist() == [1.0]
    assert frame["samples_s"].isna().tolist() == [False, True]
    assert frame["summary"].tolist() == [None, {"min_s": 2.5}]


def test_measurements_have_every_column(filled: str) -> None:
    with harness.open(filled) as results:
        frame = results.measurements(samples=True)
        slim = results.measurements()
    assert list(frame["case"]) == [A, B, A, A, "t.py::t[é]"]
    assert set(frame.columns) - set(slim.columns) == {"samples_s"}
    own = frame.iloc[4]
    assert (own["part"], own["workload"], own["machine"]) == (1, "t.py::t", MACHINE.fingerprint)
    assert own["parameters"] == {"n": 10, "style": None}
    assert own["benchmark_options"]["timer"] == "time.perf_counter"
    assert own[["flops", "argument_bytes", "hlo_sha256"]].isna().all()
    assert np.array_equal(own["samples_s"], [0.25, 0.5])
    assert frame["rounds"].tolist() == [3, 3, 3, 3, 2]
    assert frame["peak_rss_bytes"].tolist() == [1 << 28] * 5


def test_samples_are_a_row_each(filled: str) -> None:
    with harness.open(filled) as results:
        frame = results.samples()
    assert len(frame) == 3 + 3 + 3 + 2  # none of what was pruned
    last = frame.iloc[-5:]
    assert last["sample_s"].tolist() == [4.0, 2.0, 9.0, 0.25, 0.5]
    assert last["round"].tolist() == [0, 1, 2, 0, 1]
    assert last["part"].tolist() == [1] * 5
    assert last["case"].tolist() == [A] * 3 + ["t.py::t[é]"] * 2


def test_runs_are_those_of_the_command(filled: str) -> None:
    with harness.open(filled) as results:
        frame = results.runs()
        assert results.runs(B)["measurements"].tolist() == [3]
        assert results.runs(tags={"night": "1"})["tags"].tolist() == [{"night": "1"}]
    assert frame["measurements"].tolist() == [2, 3]
    assert frame["status"].tolist() == ["interrupted", "done"]
    assert frame["image"].isna().tolist() == [True, False]
    assert (frame["ended_at"] >= frame["started_at"]).all()


def test_sql_gives_a_frame(filled: str) -> None:
    with harness.open(filled) as results:
        frame = results.sql("SELECT median_s, samples_s FROM measurements ORDER BY id")
        assert list(results.sql("SELECT id, name FROM runs WHERE id < 0").columns) == ["id", "name"]
        with pytest.raises(UsageError, match="--sql: "):
            results.sql("DROP TABLE runs")
    assert frame["median_s"].tolist() == [1.0, 2.0, 3.0, 4.0, 0.375]
    assert frame["samples_s"][0].tolist() == [1.0] * 3


def test_unknown_filters_and_metrics_are_told(store: Store, url: str) -> None:
    wrong: dict[str, Any] = {"tagret": "cpu"}
    with harness.open(url) as results:
        with pytest.raises(UsageError, match="unknown filter tagret"):
            results.history(**wrong)
        with pytest.raises(UsageError, match="unknown metric 'speed'"):
            results.query(metric="speed")


def test_tags_are_text_and_statuses_may_be_one(filled: str) -> None:
    wrong: dict[str, Any] = {"night": 1}
    with harness.open(filled) as results:
        assert results.runs(statuses="done")["status"].tolist() == ["done"]
        with pytest.raises(UsageError, match="tags: 'night': 1 is no text; tags are, as in '1'"):
            results.runs(tags=wrong)


def test_what_is_no_statement_is_a_mistake(filled: str) -> None:
    with harness.open(filled) as results:
        for statement in ("SELECT '\0'", "SELECT '\udcff'"):
            with pytest.raises(UsageError, match="--sql: "):
                results.sql(statement)


def test_a_file_is_named_as_such(
    store: Store, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    hard = tmp_path / "50%41 of a? #b@c:d é.db"
    back_up(url, hard)
    for name in ("results.db", tmp_path / "results.db", str(tmp_path / "results.db"), hard):
        with harness.open(name) as results:
            assert isinstance(results, Results)
            assert len(results.runs()) == 0
    with pytest.raises(DatabaseFailure, match=r"no database at other\.db"):
        harness.open("other.db")


def test_the_package_s_import_is_cheap() -> None:
    program = "import sys, harness; harness.open; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert not {"pandas", "numpy", "sqlalchemy"} & set(done.stdout.split())
