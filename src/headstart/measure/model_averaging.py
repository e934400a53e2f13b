"""Shares by which models are averaged, from how likely each found examples that it had not seen."""

from __future__ import annotations

import numpy as np

from headstart.measure.linear import FloatArray

RESAMPLED = 1000
"""Resamples of the examples."""
SMALLEST = 0.05
"""A share below which a model is left out."""


def averaging_shares(likelihoods: FloatArray) -> FloatArray:
    """(M,): shares of M models that add up to one, from the log-likelihood (M, N) of each of N left-out examples.

    Pseudo-BMA+ (Yao, Vehtari, Simpson and Gelman 2018): a model counts by how much likelier it found all examples, in
    the mean over resamples of these (the Bayesian bootstrap, Rubin 1981). With many examples the best one has
    everything; with few, what may be luck decides less.
    """
    count = likelihoods.shape[1]
    weights = count * np.random.default_rng(0).dirichlet(np.ones(count), RESAMPLED)
    sums = weights @ likelihoods.T
    found = np.exp(sums - sums.max(axis=1, keepdims=True))
    shares = (found / found.sum(axis=1, keepdims=True)).mean(axis=0)
    kept = np.where(shares < min(SMALLEST, shares.max()), 0.0, shares)
    return np.asarray(kept / kept.sum())
