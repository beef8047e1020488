"""What a file holds, where it is one run of one process."""

from pathlib import Path

from harness.exchange.foreign import ForeignMeasurement, ForeignRun
from harness.exchange.formats import read


def only(path: Path) -> ForeignRun:
    [run] = read(path)
    return run


def why(run: ForeignRun, case: str | None) -> str:
    """What is told of a case that failed, once."""
    [message] = [message for failed, message in run.failures if failed == case]
    return message


def measurements(run: ForeignRun) -> dict[str, ForeignMeasurement]:
    """By case."""
    [launch] = run.launches
    return {each.case: each for each in launch.measurements}
