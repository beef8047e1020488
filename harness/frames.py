"""Columns → DataFrames with the dtypes that are documented, whatever is in them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from harness.store.columns import Columns
from harness.store.kinds import Kind
from harness.store.packing import unpack


def frame(columns: Columns, kinds: Mapping[str, Kind]) -> pd.DataFrame:
    """The columns that `kinds` names, in its order."""
    made = {name: _MADE[kind](columns[name]) for name, kind in kinds.items()}
    return pd.DataFrame(made, copy=False)


def samples_frame(columns: Columns) -> pd.DataFrame:
    """Packed samples, one row each; `columns` is told per measurement."""
    unpacked = [unpack(packed) for packed in columns["samples_s"]]
    counts = np.array([len(each) for each in unpacked], dtype=np.int64)
    rounds = [np.arange(count, dtype=np.int64) for count in counts]
    nothing = np.empty(0)
    rows = np.repeat(np.arange(len(counts)), counts)
    return pd.DataFrame(
        {
            "case": _category(columns["case"]).take(rows),
            "run": _category(columns["run"]).take(rows),
            "launch": _whole(columns["launch"])[rows],
            "part": _whole(columns["part"])[rows],
            "round": np.concatenate([nothing.astype(np.int64), *rounds]),
            "sample_s": np.concatenate([nothing, *unpacked]),
        },
        copy=False,
    )


def _category(values: Sequence[str | None]) -> pd.Categorical:
    known = sorted(value for value in set(values) if value is not None)
    places: dict[str | None, int] = {value: place for place, value in enumerate(known)}
    places[None] = -1
    codes = np.fromiter(map(places.__getitem__, values), dtype=np.int32, count=len(values))
    return pd.Categorical.from_codes(codes, categories=pd.Index(known, dtype="str"))


def _moment(values: Sequence[str | None]) -> pd.DatetimeIndex:
    """From text: UTC, ISO 8601."""
    naive = np.array(values, dtype="datetime64[us]")
    return pd.DatetimeIndex(naive).tz_localize("UTC")


def _whole(values: Sequence[int]) -> "np.ndarray[Any, np.dtype[np.int64]]":
    return np.array(values, dtype=np.int64)


_MADE: Mapping[Kind, Callable[[Sequence[Any]], Any]] = {
    "category": _category,
    "text": lambda values: pd.Series(values, dtype="str"),
    "moment": _moment,
    "float": lambda values: np.array(values, dtype=np.float64),  # None becomes NaN
    "whole": _whole,
    "count": lambda values: pd.array(values, dtype="Int64"),
    "boolean": lambda values: pd.array(values, dtype="boolean"),
    "object": lambda values: pd.Series(values, dtype=object),
}
