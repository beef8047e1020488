"""`jaxrig history` and `query`, with their streams in hand."""

import csv
import io
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from harness.cli import dispatch
from harness.store.writer import Store
from tests.benchmarks.years import Years, fill
from tests.checkout import ROOT
from tests.harness.history import add_run
from tests.harness.samples import A, B

GOLDEN = Path(__file__).parent / "golden"
YEARS = Years(machines=2, targets=2, cases=5, nights=3, samples=5)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that holds `YEARS`."""
    file = tmp_path_factory.mktemp("years") / "results.db"
    fill(f"sqlite:///{file}", YEARS)
    return file


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, filled: Path) -> Path:
    """Where results.db holds `YEARS`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JAXRIG_DB", raising=False)
    shutil.copy(filled, tmp_path)
    return tmp_path


def jaxrig(*words: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    return dispatch(words, out, err), out.getvalue(), err.getvalue()


def answered(*words: str) -> list[dict[str, Any]]:
    code, out, err = jaxrig(*words, "--format", "json")
    assert code == 0, err
    found: list[dict[str, Any]] = json.loads(out)
    return found


def test_history_is_a_list_of_what_was_measured(folder: Path) -> None:
    found = answered("history", YEARS.case(1), "--machine", "node01", "--target", "cpu")
    assert len(found) == YEARS.nights
    assert found[0] | {"median_s": 0.0} == {
        "case": YEARS.case(1),
        "machine": YEARS.fingerprint(1),
        "machine_name": "node01",
        "target": "cpu",
        "run": found[0]["run"],
        "started_at": "2024-01-01T02:00:01+00:00",
        "launches": 1,
        "median_s": 0.0,
        "image": found[0]["image"],
        "jax": "0.8.0",
        "git_commit": found[0]["git_commit"],
        "suite": "standard",
        "status": "done",
        "isolation": "container",
    }
    assert 1e-5 < found[0]["median_s"] < 1.0
    assert len(answered("history", "*/micro/*", YEARS.case(0))) == 2 * 2 * 3 * 2


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("history", ["history", "transformer/n*", YEARS.case(2), "--since", "2024-01-02"]),
        ("query", ["query", "--metric", "time", "--metric", "throughput", "--limit", "4"]),
    ],
)
def test_the_table_is_the_golden_one(folder: Path, name: str, words: list[str]) -> None:
    """To accept a change, write the text shown into the file."""
    code, out, _ = jaxrig(*words)
    assert code == 0
    assert out == (GOLDEN / f"{name}.txt").read_text()


@pytest.mark.parametrize("form", ["table", "json", "csv", "md"])
@pytest.mark.parametrize(
    "words", [["history", "*"], ["query"], ["query", "--sql", "SELECT * FROM cases"]], ids=str
)
def test_every_format_is_written(folder: Path, words: list[str], form: str) -> None:
    code, out, err = jaxrig(*words, "--format", form)
    assert (code, err) == (0, "")
    assert out.count("\n") > len(YEARS.case(0).split("/"))
    assert out.endswith("\n")


def test_rows_are_sorted_by_number_and_come_in_pages(folder: Path) -> None:
    everything = answered("query", "--metric", "time", "--metric", "memory")
    assert len(everything) == YEARS.measurements
    moments = [row["started_at"] for row in everything]
    assert moments == sorted(moments, reverse=True)
    pages = []
    for page in (1, 2, 3):
        words = ("query", "--sort", "median_s", "--limit", "25", "--page", str(page))
        code, out, err = jaxrig(*words, "--format", "json")
        pages += [row["median_s"] for row in json.loads(out)]
        assert code == 0
        if page < 3:
            first = 25 * page - 24
            assert err == (
                f"jaxrig: rows {first} to {first + 24}; the next: "
                f"jaxrig query --sort median_s --limit 25 --format json --page {page + 1}\n"
            )
        else:
            assert err == "jaxrig: rows 51 to 60\n"
    assert pages == sorted(row["median_s"] for row in everything)
    ends_there = ("query", "--limit", "30", "--page", "2")
    assert jaxrig(*ends_there)[2] == "jaxrig: rows 31 to 60\n"
    slowest = answered("query", "--sort", "median_s:desc", "--limit", "1")
    assert slowest[0]["median_s"] == pages[-1]
    newest = [answered("query", "--limit", "7", "--page", str(page)) for page in range(1, 10)]
    assert [row["run"] for page in newest for row in page] == [row["run"] for row in everything]
    assert jaxrig("query", "--page", "9")[2] == "jaxrig: page 9 is behind the last row\n"


def test_tables_are_pages_by_themselves(folder: Path) -> None:
    years = Years(machines=4, targets=2, cases=5, nights=3, samples=1, seed=2)
    fill(f"sqlite:///{folder}/more.db", years)
    code, out, err = jaxrig("query", "--db", f"sqlite:///{folder}/more.db")
    assert (code, out.count("\n")) == (0, 2 + 100)
    assert "rows 1 to 100; the next: jaxrig query --db " in err


def test_both_have_help(tmp_path: Path) -> None:
    assert "--format {table,json,csv,md}" in jaxrig("history", "--help")[1]
    assert "--format {table,json,csv,md,parquet}" in jaxrig("query", "--help")[1]
    listed = jaxrig("--help")[1]
    assert "\n    history " in listed
    assert "\n    query " in listed


@pytest.mark.parametrize("words", [["history", "*"], ["query"], ["query", "--sql", "SELECT 1"]])
def test_without_a_database_they_end_with_6(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = jaxrig(*words, "--db", "sqlite:///none.db")
    assert (code, out) == (6, "")
    assert "no database at none.db" in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["history"], "the following arguments are required: CASE_GLOB"),
        (["history", "transformr/*"], "no stored case matches 'transformr/*'"),
        (["history", YEARS.case(0)[:-1]], f"near are: {YEARS.case(0)}"),
        (["history", "*", "--machine", "node09"], "no stored machine is named 'node09'; near are"),
        (["history", "*", "--target", "cpi"], "no stored run is of target 'cpi'; near are: cpu"),
        (["history", "*", "--since", "soon"], "'soon' is no moment, as 30d (ago)"),
        (["query", "--case", "nope"], "no stored case matches 'nope'"),
        (["query", "--metric", "speed"], "unknown metric 'speed'; known are: time"),
        (["query", "--sort", "speed"], "--sort 'speed' is no column; there are: case"),
        (["query", "--sort", "run:up"], "is followed by :desc, :asc or nothing"),
        (["query", "--sql", "selec"], 'jaxrig: --sql: near "selec": syntax error'),
        (["query", "--sql", "DELETE FROM runs"], "jaxrig: --sql: not authorized"),
        (["query", "--sql", "SELECT 1", "--case", "x"], "not allowed with argument"),
        (["query", "--sql", "SELECT 1", "--tag", "a=b"], "--tag does not go with --sql"),
        (["query", "--sql", "SELECT 1", "--page", "2"], "--page does not go with --sql"),
        (["query", "--format", "parquet"], "add --out FILE"),
        (["runs", "--format", "parquet"], "invalid choice: 'parquet'"),
    ],
)
def test_mistakes_end_with_2_and_say_why(folder: Path, words: list[str], complaint: str) -> None:
    code, out, err = jaxrig(*words)
    assert (code, out) == (2, "")
    assert complaint in err


def test_a_statement_s_bytes_are_told_by_their_size(folder: Path) -> None:
    asked = "SELECT id, samples_s, x'00ff' AS raw, 9e999 AS much FROM measurements LIMIT 1"
    (row,) = answered("query", "--sql", asked)
    assert len(row.pop("samples_s")) == YEARS.samples
    assert row == {"id": 1, "raw": "<2 bytes>", "much": "inf"}
    table = jaxrig("query", "--sql", asked)[1]
    assert re.search(r"1 +<5 samples> +<2 bytes> +inf", table)
    (read,) = csv.DictReader(io.StringIO(jaxrig("query", "--sql", asked, "--format", "csv")[1]))
    assert (len(json.loads(read["samples_s"])), read["raw"]) == (YEARS.samples, "<2 bytes>")


def test_parquet_goes_to_a_file(folder: Path) -> None:
    for number, words in enumerate((["--metric", "memory"], ["--sql", "SELECT * FROM cases"])):
        file = folder / f"{number}.parquet"
        assert jaxrig("query", *words, "--format", "parquet", "--out", str(file)) == (0, "", "")
        frame = pd.read_parquet(file)
        assert len(frame) == (YEARS.measurements, YEARS.cases)[number]
    assert str(pd.read_parquet(folder / "0.parquet")["peak_bytes"].dtype) == "float64"


def test_parquet_goes_to_a_pipe_and_to_no_terminal(folder: Path) -> None:
    command = [sys.executable, "-m", "harness.cli", "query", "--format", "parquet"]
    done = subprocess.run(
        command, cwd=folder, env={"PYTHONPATH": str(ROOT)}, capture_output=True, check=True
    )
    assert len(pd.read_parquet(io.BytesIO(done.stdout))) == YEARS.measurements

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    err = io.StringIO()
    assert dispatch(["query", "--format", "parquet"], Terminal(), err) == 2
    assert "not for a terminal" in err.getvalue()


def test_answers_go_to_a_file_where_one_is_named(folder: Path) -> None:
    assert jaxrig("query", "--format", "json", "--out", "all.json") == (0, "", "")
    assert len(json.loads((folder / "all.json").read_text())) == YEARS.measurements


def test_a_name_s_escape_sequence_reaches_no_terminal(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    add_run(store, {A: [1.0], B: [1.0]}, target="\x1b[31m", suite="\x1b[31m")
    for form in ("table", "csv", "md", "json"):
        for words in (["history", "*"], ["query"], ["query", "--sql", "SELECT target FROM runs"]):
            assert "\x1b" not in jaxrig(*words, "--format", form)[1]


def test_history_imports_neither_pandas_nor_numpy_nor_models(folder: Path) -> None:
    program = (
        "import sys\nfrom harness.cli import main\ncode = main()\n"
        "print('IMPORTED', *sys.modules, file=sys.stderr)\nsys.exit(code)"
    )
    for form in ("json", "table"):
        done = subprocess.run(
            [sys.executable, "-c", program, "history", "*", "--format", form],
            cwd=folder,
            env={"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )
        loaded = set(done.stderr.partition("IMPORTED")[2].split())
        assert "harness.store.series" in loaded  # so the test sees what is imported
        assert not {"pandas", "numpy", "harness.store.models", "sqlalchemy.orm", "psycopg"} & loaded
