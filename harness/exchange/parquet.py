"""A DataFrame as a Parquet file: https://parquet.apache.org, through pyarrow."""

from typing import TYPE_CHECKING, Any

from harness.errors import EnvironmentFailure, UsageError
from harness.report.rows import as_json

if TYPE_CHECKING:
    import pandas as pd


def parquet(frame: "pd.DataFrame") -> bytes:
    """The file's content, compressed by zstd. Categories are dictionaries there, samples lists of
    doubles; JSON objects are text, because the columns of a file all have one type.

    Raises `EnvironmentFailure` where pyarrow is missing, and `UsageError` for a column whose values
    have several types.
    """
    pa = arrow()
    plain = frame.copy(deep=False)
    for name in frame.columns[frame.dtypes == "object"]:
        plain[name] = frame[name].map(_plain)
    sink = pa.BufferOutputStream()
    try:
        table = pa.Table.from_pandas(plain, preserve_index=False)
    except pa.ArrowException as error:
        raise UsageError(
            f"a column of Parquet holds values of one type: {'; '.join(map(str, error.args))}; "
            "CAST them in the statement, or choose --format csv"
        ) from error
    pa.parquet.write_table(table, sink, compression="zstd")
    content: bytes = sink.getvalue().to_pybytes()
    return content


def arrow() -> Any:
    """pyarrow, with its Parquet. Raises `EnvironmentFailure` where it is missing."""
    try:
        import pyarrow as pa
        import pyarrow.parquet
    except ImportError as error:
        raise EnvironmentFailure(
            "Parquet needs pyarrow: pip install 'jaxrig[parquet]' (or choose csv)"
        ) from error
    return pa


def _plain(value: Any) -> Any:
    return as_json(value, sort_keys=True) if isinstance(value, dict | list) else value
