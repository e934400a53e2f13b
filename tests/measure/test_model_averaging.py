"""Shares of models by how likely they found what they had not seen."""

from __future__ import annotations

import math

import numpy as np
import pytest

from headstart.measure.model_averaging import averaging_shares


def by_hand(likelihoods: np.ndarray, resampled: int) -> list[float]:
    """One resample after another, with numbers of another generator."""
    random = np.random.default_rng(17)
    models, count = likelihoods.shape
    totals = [0.0] * models
    for _ in range(resampled):
        draws = [-math.log(random.random()) for _ in range(count)]  # over their sum, a Dirichlet draw
        sums = [count * sum(d * v for d, v in zip(draws, row, strict=True)) / sum(draws) for row in likelihoods]
        found = [math.exp(one - max(sums)) for one in sums]
        totals = [total + one / sum(found) for total, one in zip(totals, found, strict=True)]
    return [total / resampled for total in totals]


def test_as_by_hand() -> None:
    likelihoods = -np.random.default_rng(0).gamma(1, 0.4, (3, 12))
    assert averaging_shares(likelihoods) == pytest.approx(by_hand(likelihoods, 4000), abs=0.03)


@pytest.mark.parametrize(("count", "all_to_one"), [(8, False), (2000, True)])
def test_many_examples_choose_and_few_do_not(count: int, all_to_one: bool) -> None:
    """The same difference in the mean, which many examples make sure of."""
    random = np.random.default_rng(1)
    likelihoods = np.stack([random.normal(-0.5, 0.3, count), random.normal(-0.6, 0.3, count)])
    likelihoods += np.array([[-0.5], [-0.6]]) - likelihoods.mean(axis=1, keepdims=True)
    shares = averaging_shares(likelihoods)
    assert (shares.tolist() == [1.0, 0.0]) == all_to_one
    assert shares.sum() == pytest.approx(1) and shares[0] > shares[1]


def test_equals_share_alike_however_many() -> None:
    assert averaging_shares(np.tile(-np.ones(9), (30, 1))) == pytest.approx(1 / 30)


def test_an_unlikely_one_is_left_out() -> None:
    likelihoods = -np.array([[0.1] * 20, [0.1] * 20, [0.5] * 20])
    assert averaging_shares(likelihoods).tolist() == pytest.approx([0.5, 0.5, 0])
