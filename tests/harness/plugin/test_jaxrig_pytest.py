"""What pytest finds wherever jaxrig is installed does nothing unless it is asked."""

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from tests.checkout import ROOT
from tests.harness.sessions import pytest_in


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """One whose own package is called as ours is, and which is tested from where it lies."""
    (tmp_path / "harness").mkdir()
    (tmp_path / "harness" / "__init__.py").write_text("NUMBER = 3\n")
    (tmp_path / "conftest.py").write_text("import harness\n")
    (tmp_path / "test_own.py").write_text(
        "import sys\n"
        "from harness import NUMBER\n\n\n"
        "def test_own(benchmark):\n"
        "    assert benchmark(lambda: NUMBER) == 3\n"
        "    assert 'jaxrig_pytest' in sys.modules\n"
    )
    return tmp_path


def pytest_alone_in(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words],
        cwd=folder,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )


def test_pytest_finds_it_by_a_name_that_nobody_else_has() -> None:
    found = {each.name: each.value for each in entry_points(group="pytest11")}
    assert found["jaxrig"] == "jaxrig_pytest"  # as `workloads.guest` keeps it out


def test_it_loads_nothing() -> None:
    program = (
        "import sys, pytest; before = set(sys.modules); import jaxrig_pytest; "
        "print(sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "['jaxrig_pytest']"


def test_a_session_that_does_not_ask_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "test_small.py").write_text("def test_plain():\n    pass\n")
    done = pytest_in(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "jaxrig" not in done.stdout
    assert [path.name for path in tmp_path.iterdir() if path.suffix] == ["test_small.py"]


def test_a_project_may_have_a_package_of_our_name(project: Path) -> None:
    done = pytest_alone_in(project)
    assert (done.returncode, "1 passed" in done.stdout) == (0, True), done.stdout + done.stderr


def test_there_it_is_told_why_nothing_can_be_recorded(project: Path, url: str) -> None:
    done = pytest_alone_in(project, "--jaxrig-db", url)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "--jaxrig-db is of no use here (No module named 'harness.errors')" in done.stderr
    assert "Traceback" not in done.stderr
