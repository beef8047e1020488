"""`jaxrig report`, as it is typed."""

import json
from pathlib import Path

from harness.store.writer import Store
from tests.harness.called import Jaxrig
from tests.harness.history import add_run

CASE = "matmul/256/f32"


def built(jaxrig: Jaxrig, folder: Path, *words: str) -> dict[str, object]:
    done = jaxrig("report", "--out", folder, "--format", "json", *words)
    assert done.code == 0, done.err
    told: dict[str, object] = json.loads(done.out)
    return told


def test_a_night_more_rewrites_what_it_changed(
    jaxrig: Jaxrig, store: Store, tmp_path: Path
) -> None:
    for _ in range(12):
        add_run(store, {CASE: [1.0], "matmul/512/f32": [1.0]})
    site = tmp_path / "site"
    assert built(jaxrig, site)["written"] == built(jaxrig, site)["files"]
    assert built(jaxrig, site)["written"] == 0
    new = add_run(store, {CASE: [1.0]})
    before = {path: path.stat().st_mtime_ns for path in site.rglob("*.*") if path.is_file()}
    built(jaxrig, site)
    changed = {
        path.relative_to(site).as_posix()
        for path in site.rglob("*.*")
        if path.is_file() and before.get(path) != path.stat().st_mtime_ns
    }
    lists = {"index.html", "cases.html", "runs.html", "compare.html", "machines.html"}
    (page,) = changed & {path.relative_to(site).as_posix() for path in site.glob("case/*")}
    assert page.startswith("case/matmul-256-f32")
    assert changed - lists == {page, f"run/{new}.html", f"data/{new}.js", "jaxrig-report.json"}


def test_cases_and_runs_can_be_chosen(jaxrig: Jaxrig, store: Store, tmp_path: Path) -> None:
    add_run(store, {CASE: [1.0], "mlp/a": [1.0]}, target="cpu")
    add_run(store, {CASE: [1.0]}, target="other")
    built(jaxrig, tmp_path / "site", "mlp/*", "--target", "cpu")
    assert len(list((tmp_path / "site" / "case").iterdir())) == 1
    assert len(list((tmp_path / "site" / "run").iterdir())) == 1


def test_an_unknown_case_is_a_mistake(jaxrig: Jaxrig, store: Store, tmp_path: Path) -> None:
    add_run(store, {CASE: [1.0]})
    done = jaxrig("report", "nothing", "--out", tmp_path / "site")
    assert (done.code, "no stored case matches" in done.err) == (2, True)
    assert not (tmp_path / "site").exists()


def test_an_empty_database_has_a_report(jaxrig: Jaxrig, store: Store, tmp_path: Path) -> None:
    told = built(jaxrig, tmp_path / "site")
    assert told["files"] == 8  # five pages and three assets
    text = (tmp_path / "site" / "index.html").read_text()
    assert "no series is long enough" in text
