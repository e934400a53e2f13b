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


def test_shares_are_drawn_to_what_errors_alone_would_give_where_there_are_few_periods() -> None:
    random = np.random.default_rng(0)
    truth, weights = random.normal(size=(200, 4)), np.ones(200)
    told = np.stack([truth + random.normal(0, wide, truth.shape) for wide in (1.0, 2.0, 8.0)])
    best, errors = best_shares(told, truth, weights), np.abs(told - truth).mean(axis=(1, 2))
    alone = errors**-2 / (errors**-2).sum()
    assert steady_shares(told, truth, weights, 2) == pytest.approx((best + alone) / 2)
    assert steady_shares(told, truth, weights, 1e9) == pytest.approx(best, abs=1e-6)


def test_a_forecast_without_error_is_taken_whole() -> None:
    truth = np.random.default_rng(0).normal(size=(20, 4))
    assert steady_shares(np.stack([truth, truth + 1]), truth, np.ones(20), 1) == pytest.approx([1, 0])
    assert steady_shares(np.stack([truth, truth]), truth, np.ones(20), 1).sum() == pytest.approx(1)
