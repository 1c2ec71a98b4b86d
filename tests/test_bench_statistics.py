"""The statistics of the benchmark of quality, against scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from tests.bench.pages.statistics import difference, holm, mean


def test_intervals_are_those_of_scipy() -> None:
    values = np.random.default_rng(0).normal(2, 3, 40)
    found = mean(values)
    judge = stats.ttest_1samp(values, 0)
    interval = judge.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert (found.mean, found.p, found.n) == pytest.approx((values.mean(), judge.pvalue, 40))


def test_differences_are_paired() -> None:
    rng = np.random.default_rng(1)
    base = rng.normal(0, 5, 30)
    values = base + 0.5 + rng.normal(0, 0.2, 30)
    found, judge = difference(list(values), list(base)), stats.ttest_rel(values, base)
    interval = judge.confidence_interval(0.95)
    assert (found.low, found.high, found.p) == pytest.approx((interval.low, interval.high, judge.pvalue))
    apart = stats.ttest_ind(values, base).confidence_interval(0.95)
    assert found.high - found.low < 0.2 * (apart.high - apart.low)


def test_intervals_hold_the_truth_95_times_in_100() -> None:
    rng = np.random.default_rng(2)
    trials = [mean(rng.uniform(0, 2, 12)) for _ in range(600)]
    assert 0.92 <= np.mean([trial.low <= 1 <= trial.high for trial in trials]) <= 0.98


def test_one_value_has_no_interval_and_equal_ones_no_width() -> None:
    assert mean([3.0]).mean == 3
    assert math.isnan(mean([3.0]).low)
    assert math.isnan(mean([3.0]).p)
    assert math.isnan(mean([]).mean)
    assert mean([0.0, 0.0, 0.0]).p == 1
    assert mean([1.0, 1.0]).p == 0
    assert mean([1.0, 1.0]).high == 1


def test_holm() -> None:
    """The example of the paper's procedure: the smallest times all of them, the next times one less, never
    falling."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    corrected = holm([0.01, float("nan"), 0.9])
    assert corrected[0] == pytest.approx(0.02)
    assert math.isnan(corrected[1])
    assert corrected[2] == 0.9
