"""The host side: plans launches, runs them, keeps every sample, and judges. Never imports JAX.

`harness.open("results.db")` reads what was measured, as DataFrames.
"""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.results import Results

__version__ = "0.1.0"


def open(database: str | os.PathLike[str]) -> "Results":  # noqa: A001 - harness.open, as gzip.open
    """The results in a database: a file of SQLite, or a URL. To be closed, or used in `with`."""
    from harness.results import Results  # this package's import costs nothing

    return Results(database)
