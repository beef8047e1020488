"""Storage: what a model's training and serving ask of a file system. See `catalog.storage`."""

from workloads.case import Case
from workloads.catalog.storage import RECORD_BYTES
from workloads.problem import Activity
from workloads.storage import checkpoint, records
from workloads.storage.scratch import Scratch

__all__ = ["build"]

ROOM = 2.5
"""Free space that is asked for, in sizes of the file: a checkpoint is there twice for a moment."""


def build(case: Case) -> Activity:
    """Parameters: kind (`checkpoint`, `read`, `write`) and what its module names.

    Raises `Unsuitable` where the scratch directory cannot serve.
    """
    make = {"checkpoint": checkpoint.build, "read": records.read, "write": records.write}
    scratch = Scratch.make(int(ROOM * file_bytes(case)))
    try:
        return make[str(case.parameters["kind"])](case, scratch)
    except BaseException:
        scratch.close()
        raise


def file_bytes(case: Case) -> int:
    """Size of the file that `case` works on."""
    if "file_bytes" in case.parameters:
        return case.integer("file_bytes")
    return int(case.cost.storage_bytes) + RECORD_BYTES
