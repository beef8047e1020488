"""A DataFrame as a Parquet file: https://parquet.apache.org, through pyarrow."""

import json
from typing import TYPE_CHECKING, Any

from harness.errors import EnvironmentFailure

if TYPE_CHECKING:
    import pandas as pd


def parquet(frame: "pd.DataFrame") -> bytes:
    """The file's content, compressed by zstd. Categories are dictionaries there, samples lists of
    doubles; JSON objects are text, because the columns of a file all have one type.

    Raises `EnvironmentFailure` where pyarrow is missing.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise EnvironmentFailure(
            "Parquet needs pyarrow: pip install 'jaxrig[parquet]' (or choose --format csv)"
        ) from error
    plain = frame.copy(deep=False)
    for name in frame.columns[frame.dtypes == "object"]:
        plain[name] = frame[name].map(_plain)
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pandas(plain, preserve_index=False), sink, compression="zstd")
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _plain(value: Any) -> Any:
    return json.dumps(value, sort_keys=True) if isinstance(value, dict | list) else value
