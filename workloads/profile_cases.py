"""One test a case, which runs it under the profiler; of a launch that is asked to, and no other."""

import pytest

from workloads.case import Case
from workloads.profiling import profile
from workloads.recorder import RECORD
from workloads.room import Unsuitable


def test_case(case: Case, request: pytest.FixtureRequest) -> None:
    try:
        request.node.stash[RECORD] = profile(case)
    except Unsuitable as reason:
        pytest.skip(str(reason))
