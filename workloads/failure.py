"""What went wrong, in the record schema's words. Imports neither JAX nor NumPy."""

import traceback

TRACEBACK_FRAMES = 6
MESSAGE_CHARACTERS = 8000

_OUT_OF_MEMORY = ("resource_exhausted", "out of memory")


def failure_kind(error: BaseException) -> str:
    """`out_of_memory` or `raised`."""
    if isinstance(error, MemoryError):
        return "out_of_memory"
    text = str(error).lower()
    if isinstance(error, RuntimeError) and any(mark in text for mark in _OUT_OF_MEMORY):
        return "out_of_memory"
    return "raised"


def explain(error: BaseException) -> str:
    """The exception, then the innermost frames of its traceback; bounded in length."""
    headline = "".join(traceback.format_exception_only(error)).strip()
    frames = "".join(traceback.format_tb(error.__traceback__, limit=-TRACEBACK_FRAMES))
    return f"{headline}\n{frames}"[:MESSAGE_CHARACTERS]
