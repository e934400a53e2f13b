"""Combinations of forecasts, against every one that there is."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from headstart.measure.forecasts import best_shares, steady_shares


@pytest.mark.parametrize("seed", range(8))
def test_shares_are_as_good_as_the_best_of_all_tenths_within_half_a_percent(seed: int) -> None:
    random = np.random.default_rng(seed)
    truth, weights = random.normal(size=(300, 4)).cumsum(axis=1), random.uniform(0.1, 10, 300)
    together = random.normal(size=truth.shape)
    told = np.stack([truth + random.normal(0, wide, truth.shape) + 0.5 * together for wide in (0.5, 0.6, 1, 1.5, 4)])
    told[2] = 0.7 * told[0] + 0.3 * told[1] + 0.1 * random.normal(size=truth.shape)

    def error(shares: np.ndarray) -> float:
        return float(weights @ np.abs(np.tensordot(shares, told, 1) - truth).mean(axis=1))

    every = (np.bincount(draw, minlength=5) / 10 for draw in itertools.combinations_with_replacement(range(5), 10))
    found = best_shares(told, truth, weights)
    assert found.sum() == pytest.approx(1) and found.min() >= 0
    assert error(found) <= 1.005 * min(map(error, every))


def test_a_single_forecast_is_taken_whole() -> None:
    assert best_shares(np.ones((1, 3, 2)), np.zeros((3, 2)), np.ones(3)) == pytest.approx([1])


@pytest.mark.parametrize("turns", [False, True])
def test_shares_are_steadied_where_later_times_were_told_better_so(turns: bool) -> None:
    random = np.random.default_rng(0)
    times, truth, weights = np.arange(200.0), random.normal(size=(200, 4)), np.ones(200)
    told = np.stack([truth + random.normal(0, 0.05, truth.shape), truth + 4])
    if turns:  # what was best is so no longer
        told[:, times >= 100] = told[::-1, times >= 100]
    found = best_shares(told, truth, weights)
    if turns:
        inverse = np.abs(told - truth).mean(axis=(1, 2)) ** -2.0
        found = (found + inverse / inverse.sum()) / 2
    assert steady_shares(told, truth, weights, times, 4) == pytest.approx(found)
    assert steady_shares(told, truth, weights, times, 200) == pytest.approx(best_shares(told, truth, weights))


def test_a_forecast_without_error_is_taken_whole() -> None:
    truth = np.random.default_rng(0).normal(size=(20, 4))
    told = np.stack([truth, truth + 1])
    assert steady_shares(told, truth, np.ones(20), np.arange(20.0), 2) == pytest.approx([1, 0])
