"""Linear discriminant analysis: one eigendecomposition, every penalty, exact leave-one-out posteriors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from headstart.measure.calibration import fit_temperature, negative_log_likelihood
from headstart.measure.linear import (
    RELATIVE_PENALTIES,
    Choose,
    FloatArray,
    IntArray,
    LinearSolution,
    as_features,
    as_labels,
    as_penalties,
    mean_eigenvalue,
    select,
    span,
)


def fit_lda(
    features: ArrayLike,
    labels: ArrayLike,
    classes: int,
    *,
    penalties: Sequence[float] | None = None,
    choose: Choose | None = None,
    priors: Literal["empirical", "uniform"] = "empirical",
) -> LinearSolution:
    """Gaussian classes with one shared covariance A = S_w / N + penalty * (mean eigenvalue of S_w / N) * I.

    features (N, D), labels (N,) in 0 … classes - 1. Scores are the affine discriminants
    d_k(x) = x'A^-1 m_k - m_k'A^-1 m_k / 2 + log prior_k (Hastie, Tibshirani and Friedman 2009, eq. 4.10) with
    the mean of all examples as origin, which changes only a term common to all classes: softmax of the
    scores is the posterior. Penalties are relative; the default is 13 log-spaced from 1e-4 to 1e4.
    `choose` maps left-out scores (N, K) to a loss, lower better; the default is the log loss of their softmax
    at its best temperature, because small penalties rank well long before they are calibrated.

    `left_out` is exact: leaving example i out of its class c of n examples takes n/(n-1) v v', v = x_i - m_c,
    from S_w and moves m_c alone. The normaliser N, the penalty, the origin and the priors stay as they were.

    A class without examples, and for a left-out example its class when it was alone in it, cannot be
    described: its score is the lowest constant term of the others less log(2 N), so it is never predicted.
    """
    examples = as_features(features)
    items, width = examples.shape
    truth = as_labels(labels, items, classes)
    tried = RELATIVE_PENALTIES if penalties is None else as_penalties(penalties)

    centre = examples.mean(axis=0)
    points, basis = span(examples - centre)
    counts = np.bincount(truth, minlength=classes)
    means = _class_means(points, truth, counts)
    eigenvalues, axes = _within(points - means[truth])
    model = _Model(points @ axes, means @ axes, truth, counts, _log_priors(counts, priors))

    within, total = float(eigenvalues.sum()), float(np.square(points).sum()) / items
    unit = mean_eigenvalue(within if within > 1e-12 * total else total, items, width)
    inverse = 1.0 / (eigenvalues[:, None] + unit * np.array(tried))  # (R, P)
    norms = model.points**2 @ inverse  # (N, P): x'A^-1 x at every penalty

    def log_loss(left_out: FloatArray) -> float:
        return negative_log_likelihood(fit_temperature(left_out, truth) * left_out, truth)

    chosen, left_out, path = select(
        tried, lambda index: model.left_out(inverse[:, index], norms[:, index]), choose or log_loss
    )
    slopes, bias = model.discriminants(inverse[:, chosen])
    weight = axes @ slopes if basis is None else basis @ (axes @ slopes)
    return LinearSolution(weight, bias - centre @ weight, left_out, "lda", tried[chosen], path)


@dataclass(frozen=True, eq=False)
class _Model:
    """Everything the discriminants need, in the eigenbasis of the within-class scatter, so A is diagonal."""

    points: FloatArray  # (N, R)
    means: FloatArray  # (K, R)
    labels: IntArray  # (N,)
    counts: IntArray  # (K,)
    log_priors: FloatArray  # (K,)

    def discriminants(self, inverse: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Slopes (R, K) and constants (K,), given the diagonal (R,) of A^-1."""
        slopes = (self.means * inverse).T
        constants = self.log_priors - np.einsum("kr,rk->k", self.means, slopes) / 2
        return slopes, _floored(constants[None], (self.counts > 0)[None], len(self.points))[0]

    def left_out(self, inverse: FloatArray, norms: FloatArray) -> FloatArray:
        """Discriminants (N, K) of each example by the model without it; norms (N,) are x'A^-1 x.

        Sherman and Morrison: (A - g v v')^-1 = B + f B v v' B with B = A^-1, f = g / (1 - g v'Bv).
        """
        slopes = (self.means * inverse).T
        linear = self.points @ slopes  # x'B m_k
        between = self.means @ slopes  # m_j'B m_k
        rows, own = np.arange(len(self.labels)), self.labels

        own_linear = linear[rows, own]
        own_norm = between.diagonal()[own]
        offset = linear - between[own]  # v'B m_k, v = x - m_own
        own_offset = offset[rows, own]
        along = norms - own_linear  # x'B v
        distance = along - own_linear + own_norm  # v'B v

        size = self.counts[own].astype(np.float64)
        lone = size < 2
        others = np.maximum(size - 1, 1)
        taken = size / (others * len(own))  # g; an example alone in its class has v = 0, any g will do
        growth = 1.0 / np.maximum(1.0 - taken * distance, np.finfo(np.float64).eps)
        factor = taken * growth  # f

        linear += (factor * along)[:, None] * offset
        linear[rows, own] -= along * growth / others
        np.square(offset, out=offset)
        offset *= factor[:, None]
        quadratic = np.add(offset, between.diagonal(), out=offset)  # m_k'B_i m_k
        quadratic[rows, own] += growth * (distance / others - 2 * own_offset) / others

        exists = np.broadcast_to(self.counts > 0, linear.shape).copy()
        exists[rows[lone], own[lone]] = False
        constants = _floored(self.log_priors - quadratic / 2, exists, len(own))
        return np.asarray(np.where(exists, linear, 0.0) + constants, dtype=np.float64)


def _floored(constants: FloatArray, exists: NDArray[np.bool_], items: int) -> FloatArray:
    """Give classes that do not exist the lowest constant of their row, less log(2 N).

    The means of the classes surround the origin, so some class that exists has x'A^-1 m_k >= 0 and beats it.
    """
    lowest = np.where(exists, constants, np.inf).min(axis=1, keepdims=True)
    return np.where(exists, constants, lowest - np.log(2.0 * items))


def _class_means(points: FloatArray, labels: IntArray, counts: IntArray) -> FloatArray:
    """Mean (K, R) of each class; zero, the mean of everything, for a class without examples."""
    order = np.argsort(labels, kind="stable")
    present = counts > 0
    starts = (np.cumsum(counts) - counts)[present]
    means = np.zeros((len(counts), points.shape[1]))
    means[present] = np.add.reduceat(points[order], starts, axis=0) / counts[present, None]
    return means


def _within(deviations: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Eigenvalues (R,) and axes (R, R) of S_w / N."""
    eigenvalues, axes = np.linalg.eigh(deviations.T @ deviations / len(deviations))
    return np.maximum(eigenvalues, 0.0), axes


def _log_priors(counts: IntArray, priors: Literal["empirical", "uniform"]) -> FloatArray:
    """Log prior (K,) of each class with examples (0 for the others, whose scores do not use it)."""
    share = counts / counts.sum() if priors == "empirical" else np.full(len(counts), 1 / (counts > 0).sum())
    return np.log(np.where(counts > 0, share, 1.0))
