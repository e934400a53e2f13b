"""How far examples lie from what is usual: Mahalanobis distances, as the length of what a linear map makes of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.core import seeds
from headstart.measure.linear import FloatArray
from headstart.measure.rows import Rows

DIRECTIONS = 64
"""Numbers that a distance is the length of: random directions keep squared lengths, on average (Johnson and
Lindenstrauss 1984)."""
MOST = 2000
"""Examples that a covariance is estimated from, evenly spread; there are more where neighbours overlap."""
LEAST = 1e-2
"""Least deviation of a feature, of the mean one, by which it is divided."""
TINY = 1e-6
"""Added to each variance, of about one: features may depend on each other."""


def whitened(features: NDArray[Any], directions: int = DIRECTIONS) -> tuple[FloatArray, FloatArray]:
    """Weight (D, K) and bias (K,) with which features (N, D), and others like them, become numbers (K,) whose length is
    their distance from the mean of these, in units of their covariance.

    Each feature is divided by its deviation, and the covariance drawn towards a multiple of one as far as so few
    examples ask for it (Ledoit and Wolf 2004).
    """
    from scipy.linalg import cholesky, solve_triangular
    from sklearn.covariance import ledoit_wolf

    examples = np.asarray(features[:: -(-len(features) // MOST)], np.float64)
    centre, deviation = examples.mean(axis=0), examples.std(axis=0)
    deviation = np.maximum(deviation, LEAST * (float(deviation.mean()) or 1.0))
    covariance, _ = ledoit_wolf((examples - centre) / deviation, assume_centered=True)
    factor = cholesky(covariance + TINY * np.eye(len(centre)), lower=True)
    drawn = seeds.generator(0, "directions").normal(size=(len(centre), directions)) / np.sqrt(directions)
    weight = solve_triangular(factor, drawn, lower=True, trans="T") / deviation[:, None]
    return weight, -centre @ weight


def lengths(features: NDArray[Any], weight: FloatArray, bias: FloatArray) -> FloatArray:
    """(N,) distances of features (N, D)."""
    return np.asarray(np.linalg.norm(Rows(features).times(weight) + bias, axis=1))
