"""`jaxrig history` and `query`, with their streams in hand."""

import csv
import io
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from harness.cli import dispatch
from harness.report.series import query_text
from harness.store.writer import Store
from tests.checkout import ROOT
from tests.command import Jaxrig, imported
from tests.harness.asked import ENDLESS_ROWS, YEARS, answered
from tests.harness.called import called
from tests.harness.history import add_run
from tests.harness.samples import A, B

GOLDEN = Path(__file__).parent / "golden"


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
    code, out, _ = called(*words)
    assert code == 0
    assert out == (GOLDEN / f"{name}.txt").read_text()


@pytest.mark.parametrize("form", ["table", "json", "csv", "md"])
@pytest.mark.parametrize(
    "words", [["history", "*"], ["query"], ["query", "--sql", "SELECT * FROM cases"]], ids=str
)
def test_every_format_is_written(folder: Path, words: list[str], form: str) -> None:
    code, out, err = called(*words, "--format", form)
    assert (code, err) == (0, "")
    assert out.count("\n") > len(YEARS.case(0).split("/"))
    assert out.endswith("\n")


def test_rows_are_written_while_they_are_read(folder: Path) -> None:
    def endless() -> Iterator[tuple[str]]:
        while True:
            yield ("2024-01-01 02:00:01",)

    for form in ("json", "csv"):
        assert "2024-01-01T02:00:01+00:00" in next(query_text(["started_at"], endless(), [], form))


@pytest.mark.parametrize("words", [["--sql", ENDLESS_ROWS, "--format", "csv"], ["--page", "1"]])
def test_a_reader_that_goes_ends_it(folder: Path, words: list[str]) -> None:
    with Jaxrig(folder=folder).start("query", *words) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        try:
            assert process.wait(timeout=20) == 0
        finally:
            process.kill()


def test_nobody_has_to_take_parquet(folder: Path) -> None:
    with Jaxrig(folder=folder).start("query", "--format", "parquet") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert (process.stderr.read(), process.wait()) == ("", 0)


def test_a_statement_is_ended_by_an_interrupt(folder: Path) -> None:
    forever = ENDLESS_ROWS.replace("SELECT n FROM", "SELECT count(*) FROM")
    # A process that a shell started in the background ignores SIGINT, and so do those it starts.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        started = Jaxrig(folder=folder).start("query", "--sql", forever)
    finally:
        signal.signal(signal.SIGINT, before)
    with started as process:
        try:
            opened = Path(f"/proc/{process.pid}/fd")
            while not any(each.resolve().name == "results.db" for each in opened.iterdir()):
                time.sleep(0.05)
            time.sleep(0.3)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=10)
        finally:
            process.kill()
    assert (process.returncode, err) == (130, "jaxrig: interrupted\n")


def test_imported_runs_can_be_asked_for(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for isolation in ("imported", "process"):
        add_run(store, {A: [1.0]}, isolation=isolation)
    for words in (["history", "*"], ["query"]):
        assert answered(*words, "--commit", "\udcff") == []
        (found,) = answered(*words, "--isolation", "imported")
        assert found["isolation"] == "imported"


def test_lists_of_nothing_have_a_header(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for command, beginning in (("runs", "run,status,target,"), ("machines", "name,machine,facts,")):
        code, out, _ = called(command, "--format", "csv")
        assert (code, out.startswith(beginning), out.count("\n")) == (0, True, 1)


def test_a_column_of_several_types_is_no_parquet(folder: Path) -> None:
    mixed = "SELECT 1 AS x UNION ALL SELECT 'a'"
    code, _, err = called("query", "--sql", mixed, "--format", "parquet", "--out", "x.parquet")
    assert (code, list(folder.glob("*.parquet"))) == (2, [])
    assert "Conversion failed for column x" in err


def test_both_have_help(tmp_path: Path) -> None:
    assert "--format {table,json,csv,md}" in called("history", "--help")[1]
    assert "--format {table,json,csv,md,parquet}" in called("query", "--help")[1]
    listed = called("--help")[1]
    assert "\n    history " in listed
    assert "\n    query " in listed


@pytest.mark.parametrize("words", [["history", "*"], ["query"], ["query", "--sql", "SELECT 1"]])
def test_without_a_database_they_end_with_6(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = called(*words, "--db", "sqlite:///none.db")
    assert (code, out) == (6, "")
    assert "no database at none.db" in err
    assert list(tmp_path.iterdir()) == []


TAGGED = [
    [*command, "--tag", "a=1", "--tag", "a=2"]
    for command in (["run"], ["ab", "cpu", "cpu"], ["nightly"], ["export", "--out", "x.jaxrig"])
]


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
        (["query", "--sql", "SELECT 1", "--sort", "x"], "--sort does not go with --sql"),
        (["query", "--tag", "a=1", "--tag", "a=2"], "--tag a is given twice: '1' and '2'"),
        *((words, "--tag a is given twice") for words in TAGGED),
        (["query", "--target", "\udcff"], r"no stored run is of target '\udcff'"),
        (["show", "\udcff"], r"no single run is named '\udcff'"),
        (["compare", "\udcff", "latest"], r"no single run is named '\udcff'"),
        (["query", "--sql", "SELECT 1, '\udcff'"], "jaxrig: --sql: 'utf-8' codec can't encode"),
        (["query", "--sort", "speed", "--db", "sqlite:///none.db"], "--sort 'speed' is no column"),
        (["query", "--format", "parquet"], "add --out FILE"),
        (["runs", "--format", "parquet"], "invalid choice: 'parquet'"),
    ],
)
def test_mistakes_end_with_2_and_say_why(folder: Path, words: list[str], complaint: str) -> None:
    code, out, err = called(*words)
    assert (code, out) == (2, "")
    assert complaint in err


def test_a_statement_s_bytes_are_told_by_their_size(folder: Path) -> None:
    asked = "SELECT id, samples_s, x'00ff' AS raw, 9e999 AS much FROM measurements LIMIT 1"
    (row,) = answered("query", "--sql", asked)
    assert len(row.pop("samples_s")) == YEARS.samples
    assert row == {"id": 1, "raw": "<2 bytes>", "much": "inf"}
    table = called("query", "--sql", asked)[1]
    assert re.search(r"1 +<5 samples> +<2 bytes> +inf", table)
    (read,) = csv.DictReader(io.StringIO(called("query", "--sql", asked, "--format", "csv")[1]))
    assert (len(json.loads(read["samples_s"])), read["raw"]) == (YEARS.samples, "<2 bytes>")


def test_parquet_goes_to_a_file(folder: Path) -> None:
    for number, words in enumerate((["--metric", "memory"], ["--sql", "SELECT * FROM cases"])):
        file = folder / f"{number}.parquet"
        assert called("query", *words, "--format", "parquet", "--out", str(file)) == (0, "", "")
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
    assert called("query", "--format", "json", "--out", "all.json") == (0, "", "")
    assert len(json.loads((folder / "all.json").read_text())) == YEARS.measurements


def test_a_name_s_escape_sequence_reaches_no_terminal(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    add_run(store, {A: [1.0], B: [1.0]}, target="\x1b[31m", suite="\x1b[31m")
    for form in ("table", "csv", "md", "json"):
        for words in (["history", "*"], ["query"], ["query", "--sql", "SELECT target FROM runs"]):
            assert "\x1b" not in called(*words, "--format", form)[1]


def test_history_imports_neither_pandas_nor_numpy_nor_models(folder: Path) -> None:
    for form in ("json", "table"):
        loaded = imported(folder, "history", "*", "--format", form)
        assert "harness.store.series" in loaded  # so the test sees what is imported
        assert not {"pandas", "numpy", "harness.store.models", "sqlalchemy.orm", "psycopg"} & loaded
