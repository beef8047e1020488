"""`pytest workloads`: the package runs alone, without the harness."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k != "HOME"}
    return subprocess.run(
        [sys.executable, "-m", "pytest", str(ROOT / "workloads"), *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env=environment,
    )


def test_the_whole_quick_suite_is_the_default() -> None:
    done = run("--collect-only", "-q")
    assert "29 tests collected" in done.stdout


def test_a_glob_narrows_and_a_table_is_printed() -> None:
    done = run("--case", "matmul/256/*")
    assert done.returncode == 0
    assert "test_case[matmul/256/f32]" in done.stdout
    assert "2 passed" in done.stdout


def test_facts_go_into_the_benchmark_json(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    done = run("--case", "matmul/256/f32", f"--benchmark-json={report}", cwd=tmp_path)
    assert done.returncode == 0
    [benchmark] = json.loads(report.read_text())["benchmarks"]
    assert benchmark["extra_info"]["flops"] == 2 * 256**3
    assert len(benchmark["stats"]["data"]) >= 7


def test_a_glob_without_a_match_is_a_usage_error() -> None:
    done = run("--case", "matmul/3/*")
    assert done.returncode != 0
    assert "no case matches matmul/3/*" in done.stdout + done.stderr
