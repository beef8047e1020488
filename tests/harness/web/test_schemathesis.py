"""Schemathesis asks whatever the description allows, and what it does not."""

import subprocess
from pathlib import Path

from tests.checkout import ROOT
from tests.harness.test_cli_serve import serving
from tests.need import need

PROGRAM = ROOT / ".venv" / "schemathesis" / "bin" / "schemathesis"

EXAMPLES = 10
"""Of each operation and phase."""

NOT_OURS = "positive_data_acceptance"
"""What is well written may still be a name that nothing stored has."""


def test_schemathesis_finds_nothing_wrong(filled: str, tmp_path: Path) -> None:
    need(PROGRAM.exists(), "Schemathesis; `make schemathesis` installs it")
    with serving(tmp_path, "--db", filled) as (_, address, _):
        done = subprocess.run(
            [
                *(str(PROGRAM), "run", f"{address}api/openapi.json", "--no-color"),
                *("--checks", "all", "--exclude-checks", NOT_OURS),
                *("--max-examples", str(EXAMPLES), "--seed", "1"),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
