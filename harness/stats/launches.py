"""What several launches say of one case. The launch is the unit: each gives one median."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, kw_only=True)
class LaunchSummary:
    """Centre and range of launch medians, in the unit of the input.

    `spread`: (high - low) / median, the whole range and not an error of the centre.
    """

    median: float
    low: float
    high: float
    launches: int

    @property
    def spread(self) -> float:
        return (self.high - self.low) / self.median


def summarise(launch_medians: ArrayLike) -> LaunchSummary:
    """Median and range over launches. `launch_medians`: shape (launches,), all positive.

    Raises ValueError for an empty or non-positive input.
    """
    medians = positive(launch_medians)
    return LaunchSummary(
        median=float(np.median(medians)),
        low=float(medians.min()),
        high=float(medians.max()),
        launches=medians.size,
    )


def positive(values: ArrayLike) -> NDArray[np.float64]:
    """`values` as a one-dimensional float64 array. Raises ValueError unless all are > 0."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or array.size == 0 or not bool(np.all(array > 0)):
        raise ValueError("launch medians must be a non-empty row of positive numbers")
    return array
