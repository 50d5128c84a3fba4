"""This module gives intervals of means, shares and their differences by bootstrap (Efron 1979)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_ROUNDS = 1_000
_BOUNDS = (0.025, 0.975)


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the 95 % percentile interval of a mean."""
    return bounds(resampled(values, [1.0] * len(values)))


def resampled(parts: Sequence[float], wholes: Sequence[float]) -> NDArray[np.float64]:
    """Return sum of parts by sum of wholes for each resample of the pairs; NaN where a resample has no whole.

    Equally many pairs are drawn alike each time, so differences of two such arrays are paired.
    """
    drawn = np.random.default_rng(1).integers(0, len(parts), (_ROUNDS, len(parts)))
    part, whole = (np.asarray(each, dtype=np.float64)[drawn].sum(axis=1) for each in (parts, wholes))
    ratios: NDArray[np.float64] = np.divide(part, whole, out=np.full(_ROUNDS, np.nan), where=whole > 0)
    return ratios


def bounds(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the 95 % percentile interval of resampled values, those that are no number left out."""
    kept = values[~np.isnan(values)]
    if not kept.size:
        return (float("nan"), float("nan"))
    low, high = np.quantile(kept, _BOUNDS)
    return round(float(low), 4), round(float(high), 4)
