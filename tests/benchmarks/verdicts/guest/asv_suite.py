"""The cases for asv; by which share they are slower the measured commit says."""

import os

from share import SHARE  # type: ignore[import-not-found]

from tests.benchmarks.verdicts import CASES, SHARE_VARIABLE
from tests.benchmarks.verdicts.guest.called import ready


class Cases:
    params = CASES
    param_names = ("case",)
    timeout = 600

    def setup(self, case: str) -> None:
        os.environ[SHARE_VARIABLE] = SHARE
        self.run = ready(case)

    def time_case(self, case: str) -> None:  # noqa: ARG002 - asv gives it
        self.run()
