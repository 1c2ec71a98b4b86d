"""Means with 95 % confidence intervals, differences of paired values, and the correction for many of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """A mean of ``n`` values, the ends of its interval by Student's t, and ``p``: how likely a mean at least
    as far from 0 is if the true one is 0. Interval and p are NaN for fewer than two values."""

    mean: float
    low: float
    high: float
    p: float
    n: int


def mean(values: Sequence[float] | NDArray[np.float64]) -> Estimate:
    """The mean of ``values``; NaN of none."""
    found = np.asarray(values, np.float64)
    n = len(found)
    if n < 2:
        return Estimate(float(found[0]) if n else float("nan"), *[float("nan")] * 3, n)
    middle, error = float(found.mean()), float(found.std(ddof=1) / np.sqrt(n))
    reach = error * float(stats.t.ppf((1 + LEVEL) / 2, n - 1))
    return Estimate(middle, middle - reach, middle + reach, _chance(middle, error, n - 1), n)


def difference(values: Sequence[float], base: Sequence[float]) -> Estimate:
    """The mean of ``values`` less ``base``, paired: what the pairs have in common says nothing and adds no
    width."""
    return mean(np.asarray(values, np.float64) - np.asarray(base, np.float64))


def holm(chances: Sequence[float]) -> list[float]:
    """Each p-value corrected for being one of many (Holm 1979): below 0.05, it is significant among them all.
    NaN stays NaN and doesn't count."""
    given = np.asarray(chances, np.float64)
    corrected = given.copy()
    order = [int(i) for i in np.argsort(given) if not np.isnan(given[i])]
    highest = 0.0
    for rank, i in enumerate(order):
        highest = max(highest, min(1.0, float(given[i]) * (len(order) - rank)))
        corrected[i] = highest
    return [float(p) for p in corrected]


def _chance(middle: float, error: float, freedom: int) -> float:
    if error == 0:  # all values are the same
        return 1.0 if middle == 0 else 0.0
    return float(2 * stats.t.sf(abs(middle) / error, freedom))
