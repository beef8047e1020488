"""What a case declares as the most memory of its process holds, making and checking included."""

import json
import subprocess
import sys

from tests.checkout import ROOT
from workloads.catalog import find, select


def test_every_quick_case_stays_within_its_bound() -> None:
    program = [sys.executable, "-m", "tests.workloads.memory_peaks"]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, check=True, text=True)
    peaks: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    single = {case.id for case in select(suite="quick") if case.devices == 1}
    assert set(peaks) <= single
    assert len(peaks) >= 0.8 * len(single)  # the rest wants another platform
    over = {case: peak for case, peak in peaks.items() if peak > find(case).memory_bytes}
    assert over == {}
