"""A machine's history as arrays: how far its runs lie apart though nothing changed."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness.stats.components import Components, components_of
from harness.stats.unpaired import LEAST_FREEDOM

if TYPE_CHECKING:
    import pandas as pd

_SETTING = [
    "target",
    "suite",
    "image",
    "source",
    "environment",
    "limits",
    "env",
    "parameters",
    "hlo_sha256",
]
"""Columns of `Reader.history`: runs that are equal in all of them measured the same thing. The
calls of a round are none of them: each launch finds by the clock how many fill it."""


@dataclass(frozen=True, kw_only=True)
class Spread:
    """`components`: of each case, from runs other than the compared ones. `runs_lacking`: of each,
    how many more runs like those compared must there be until its spread is known; 0 where it is.
    `span_s`: the longest time over which nothing changed."""

    components: Components
    runs_lacking: NDArray[np.int64]
    span_s: float


def spread_of(history: "pd.DataFrame", cases: Sequence[str], compared: Collection[str]) -> Spread:
    """`history`: as of `Reader.history`. `compared`: the names of runs that would be judged by what
    they scatter themselves, were they counted; what their launches scatter is."""
    rows = _grouped(history[history["case"].isin(cases)], compared)
    numbers = {case: number for number, case in enumerate(cases)}
    components = components_of(
        rows["median_s"].to_numpy(dtype=np.float64),
        runs=rows["cell"].to_numpy(),
        groups=rows["group"].to_numpy(),
        cases=rows["case"].map(numbers).to_numpy(),
        count=len(cases),
    )
    others = rows[~rows["run"].isin(compared)]
    # The first run of a group tells nothing of how far runs lie apart; the next ones do.
    started = set(others.merge(rows[rows["run"].isin(compared)], on=["case", "setting"])["case"])
    first = np.array([case not in started for case in cases], dtype=np.int64)
    lacking = np.ceil(LEAST_FREEDOM - components.between_freedom).astype(np.int64)
    times = others.groupby("group")["started_at"]
    return Spread(
        components=components,
        runs_lacking=np.where(lacking > 0, lacking + first, 0),
        span_s=(times.max() - times.min()).max().total_seconds() if len(others) else 0.0,
    )


def _grouped(history: "pd.DataFrame", compared: Collection[str]) -> "pd.DataFrame":
    """`history` with numbers: `cell`, a run's launches of a case; `setting`, what it measured;
    `group`, the cells of a setting. A compared run is a group by itself.

    Launches of a run may be compiled to different code: the setting is then of all of them, told by
    the lowest, the highest and how many there are, which is quick and hardly ever too coarse.
    """
    launches = history.assign(
        launch=history.groupby(_SETTING, dropna=False, sort=False).ngroup(),
        cell=history.groupby(["run", "case"], sort=False).ngroup(),
        apart=history["run"].where(history["run"].isin(compared), ""),
    )
    cells = launches.groupby("cell")["launch"].agg(["min", "max", "nunique"])
    rows = launches.join(cells, on="cell")
    setting = rows.groupby(["min", "max", "nunique"], sort=False).ngroup()
    rows = rows.assign(setting=setting)
    return rows.assign(group=rows.groupby(["case", "setting", "apart"], sort=False).ngroup())
