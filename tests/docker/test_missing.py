"""What pip would install becomes requirements for exactly that."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.checkout import ROOT

ARCHIVE = {
    "is_direct": False,
    "metadata": {"name": "tabulate", "version": "0.9.0"},
    "download_info": {
        "url": "https://files.invalid/tabulate-0.9.0-py3-none-any.whl",
        "archive_info": {"hashes": {"sha256": "ab" * 32}},
    },
}
DIRECT = {
    "is_direct": True,
    "metadata": {"name": "mine", "version": "1"},
    "download_info": {"url": "https://files.invalid/mine.zip", "archive_info": {}},
}
VCS = {
    "is_direct": True,
    "metadata": {"name": "theirs", "version": "2"},
    "download_info": {
        "url": "https://code.invalid/theirs",
        "vcs_info": {"vcs": "git", "commit_id": "c0ffee"},
    },
}


@pytest.mark.parametrize(
    ("installs", "lines"),
    [
        ([], []),
        ([ARCHIVE], [f"tabulate==0.9.0 --hash=sha256:{'ab' * 32}"]),
        (
            [ARCHIVE, DIRECT, VCS],  # pip takes hashes of all or of none
            [
                "tabulate==0.9.0",
                "mine @ https://files.invalid/mine.zip",
                "theirs @ git+https://code.invalid/theirs@c0ffee",
            ],
        ),
    ],
)
def test_a_report_becomes_requirements(
    tmp_path: Path, installs: list[dict[str, Any]], lines: list[str]
) -> None:
    report = tmp_path / "report.json"
    report.write_text(json.dumps({"version": "1", "install": installs}))
    done = subprocess.run(
        [sys.executable, ROOT / "docker" / "missing.py", report],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == lines
