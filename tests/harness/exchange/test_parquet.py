"""Frames as Parquet, read back by another reader."""

import io
import sys
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from harness.errors import EnvironmentFailure, UsageError
from harness.exchange.parquet import parquet

FRAME = pd.DataFrame(
    {
        "case": pd.Categorical(["a", "b", "a"]),
        "started_at": pd.to_datetime([datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)] * 3).as_unit(
            "us"
        ),
        "median_s": [0.1, float("nan"), 1e-9],
        "launches": [1, 2, 3],
        "samples_s": pd.Series([np.array([1.0, 2.0]), None, np.array([3.0])], dtype=object),
        "parameters": pd.Series([{"m": 1}, {"m": "x", "b": [1]}, None], dtype=object),
    }
)


@pytest.mark.parametrize("rows", [3, 0])
def test_values_and_types_come_back(rows: int) -> None:
    frame = FRAME.head(rows)
    table = pq.read_table(io.BytesIO(parquet(frame)))
    assert table.num_rows == rows
    types = {field.name: str(field.type) for field in table.schema}
    assert types["median_s"] == "double"
    assert types["launches"] == "int64"
    assert types["started_at"] == "timestamp[us, tz=UTC]"
    assert types["case"].startswith("dictionary")
    if rows:
        found = table.to_pydict()
        assert found["case"] == ["a", "b", "a"]
        assert found["samples_s"] == [[1.0, 2.0], None, [3.0]]
        assert found["parameters"] == ['{"m": 1}', '{"b": [1], "m": "x"}', None]
        assert found["median_s"][0] == 0.1
        assert frame["parameters"].iloc[0] == {"m": 1}  # the frame itself stays as it is


def test_a_column_of_several_types_is_told() -> None:
    mixed = pd.DataFrame({"n": [1, 2], "some name": pd.Series([1, "x"], dtype=object)})
    with pytest.raises(UsageError, match=r"one type: .*some name.*; CAST them"):
        parquet(mixed)


def test_what_a_database_s_documents_may_hold_is_json() -> None:
    values = pd.Series([[Decimal("0.5"), float("nan")], {"a": Decimal("Infinity")}], dtype=object)
    table = pq.read_table(io.BytesIO(parquet(pd.DataFrame({"x": values}))))
    assert table.to_pydict() == {"x": ['[0.5, "nan"]', '{"a": "Infinity"}']}


def test_without_pyarrow_there_is_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(EnvironmentFailure, match=r"pip install 'jaxrig\[parquet\]'"):
        parquet(FRAME)
