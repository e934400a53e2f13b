"""Distances from what is usual, against the textbook's."""

from __future__ import annotations

import numpy as np
import pytest

from headstart.measure.mahalanobis import lengths, whitened


def test_with_many_directions_and_examples_it_is_the_mahalanobis_distance() -> None:
    random = np.random.default_rng(0)
    examples = random.normal(size=(2000, 12)) @ random.normal(size=(12, 12)) + 5
    found = lengths(examples[:200], *whitened(examples, directions=4000))
    apart = examples - examples.mean(axis=0)
    inverse = np.linalg.inv(np.cov(examples.T))
    wanted = np.sqrt(np.einsum("ij,jk,ik->i", apart, inverse, apart))[:200]
    assert found == pytest.approx(wanted, rel=0.15)


def test_features_that_never_varied_and_few_examples_do_not_break_it() -> None:
    random = np.random.default_rng(0)
    few = random.normal(size=(30, 100))
    few[:, :3] = 7.0
    found = lengths(few, *whitened(few))
    assert np.isfinite(found).all() and found.max() < 3 * np.median(found)
    moved = few + np.eye(100)[0]
    assert lengths(moved, *whitened(few)).min() > found.max(), "what never varied does now"
