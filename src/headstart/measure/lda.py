"""Linear discriminant analysis: one eigendecomposition, every penalty, exact leave-one-out posteriors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
    as_labels,
    as_penalties,
    finite,
    mean_eigenvalue,
    rows_in_span,
    select,
)
from headstart.measure.rows import Rows


def fit_lda(
    features: ArrayLike,
    labels: ArrayLike,
    classes: int,
    *,
    penalties: Sequence[float] | None = None,
    choose: Choose | None = None,
    priors: Literal["empirical", "uniform"] = "empirical",
    every: int = 1,
) -> LinearSolution:
    """Gaussian classes with one shared covariance A = S_w / N + penalty * (mean eigenvalue of S_w / N) * I.

    features (N, D), labels (N,) in 0 … classes - 1. Scores are the affine discriminants
    d_k(x) = x'A^-1 m_k - m_k'A^-1 m_k / 2 + log prior_k (Hastie, Tibshirani and Friedman 2009, eq. 4.10) with
    the mean of all examples as origin, which changes only a term common to all classes: softmax of the
    scores is the posterior. Penalties are relative; the default is 13 log-spaced from 1e-4 to 1e4.
    `choose` maps left-out scores (N, K) to a loss, lower better; the default is the log loss of their softmax
    at its best temperature, because small penalties rank well long before they are calibrated. Only one in `every`
    examples is looked at for that choice.

    `left_out` is exact: leaving example i out of its class c of n examples takes n/(n-1) v v', v = x_i - m_c,
    from S_w and moves m_c alone. The normaliser N, the penalty, the origin and the priors stay as they were.

    A class without examples, and for a left-out example its class when it was alone in it, cannot be
    described: its score is the lowest constant term of the others less log(2 N), so it is never predicted.
    """
    examples = finite(features)
    items, width = examples.shape
    truth = as_labels(labels, items, classes)
    tried = RELATIVE_PENALTIES if penalties is None else as_penalties(penalties)

    centre = Rows(examples).sums(np.full(items, 1 / items))
    points, basis = rows_in_span(examples, centre)
    counts = np.bincount(truth, minlength=classes)
    means = _class_means(points, truth, counts)
    eigenvalues, axes = _within(points, means, truth)
    model = _Model(means @ axes, items, counts, _log_priors(counts, priors))

    within = float(eigenvalues.sum())
    total = within + float(counts @ np.square(means).sum(axis=1)) / items
    unit = mean_eigenvalue(within if within > 1e-12 * total else total, items, width)
    inverse = 1.0 / (eigenvalues[:, None] + unit * np.array(tried))  # (R, P)
    norms = points.energies(axes, inverse)  # (N, P): x'A^-1 x at every penalty

    def left_out(step: int, some: Sequence[int]) -> Iterator[FloatArray]:
        linear = points.every(step).times_each([axes @ model.slopes(inverse[:, one]) for one in some])
        for one, products in zip(some, linear, strict=True):
            yield model.left_out(inverse[:, one], norms[::step, one], products, truth[::step])

    def log_loss(scores: FloatArray) -> float:
        known = truth[::every]
        return negative_log_likelihood(fit_temperature(scores, known) * scores, known)

    chosen, best, path = select(tried, left_out, choose or log_loss, every)
    slopes, bias = model.discriminants(inverse[:, chosen])
    weight = axes @ slopes if basis is None else basis @ (axes @ slopes)
    return LinearSolution(weight, bias - centre @ weight, best, "lda", tried[chosen], path)


@dataclass(frozen=True, eq=False)
class _Model:
    """Everything the discriminants need, in the eigenbasis of the within-class scatter, so A is diagonal."""

    means: FloatArray  # (K, R)
    items: int
    counts: IntArray  # (K,)
    log_priors: FloatArray  # (K,)

    def slopes(self, inverse: FloatArray) -> FloatArray:
        """A^-1 m_k (R, K), given the diagonal (R,) of A^-1."""
        return np.asarray((self.means * inverse).T, dtype=np.float64)

    def discriminants(self, inverse: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Slopes (R, K) and constants (K,), given the diagonal (R,) of A^-1."""
        slopes = self.slopes(inverse)
        constants = self.log_priors - np.einsum("kr,rk->k", self.means, slopes) / 2
        return slopes, _floored(constants[None], (self.counts > 0)[None], self.items)[0]

    def left_out(self, inverse: FloatArray, norms: FloatArray, linear: FloatArray, own: IntArray) -> FloatArray:
        """Discriminants (M, K) of M examples, each by the model without it.

        norms (M,) are x'A^-1 x, linear (M, K) x'A^-1 m_k, which is overwritten; own (M,) their classes.

        Sherman and Morrison: (A - g v v')^-1 = B + f B v v' B with B = A^-1, f = g / (1 - g v'Bv).
        """
        between = self.means @ self.slopes(inverse)  # m_j'B m_k
        rows = np.arange(len(own))

        own_linear = linear[rows, own]
        own_norm = between.diagonal()[own]
        offset = linear - between[own]  # v'B m_k, v = x - m_own
        own_offset = offset[rows, own]
        along = norms - own_linear  # x'B v
        distance = along - own_linear + own_norm  # v'B v

        size = self.counts[own].astype(np.float64)
        lone = size < 2
        others = np.maximum(size - 1, 1)
        taken = size / (others * self.items)  # g; an example alone in its class has v = 0, any g will do
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
        constants = _floored(self.log_priors - quadratic / 2, exists, self.items)
        return np.asarray(np.where(exists, linear, 0.0) + constants, dtype=np.float64)


def _floored(constants: FloatArray, exists: NDArray[np.bool_], items: int) -> FloatArray:
    """Give classes that do not exist the lowest constant of their row, less log(2 N).

    The means of the classes surround the origin, so some class that exists has x'A^-1 m_k >= 0 and beats it.
    """
    lowest = np.where(exists, constants, np.inf).min(axis=1, keepdims=True)
    return np.where(exists, constants, lowest - np.log(2.0 * items))


def _class_means(points: Rows, labels: IntArray, counts: IntArray) -> FloatArray:
    """Mean (K, R) of each class; zero, the mean of everything, for a class without examples."""
    sums = np.zeros((len(counts), points.width))
    for which, block in points.blocks():
        order = np.argsort(labels[which], kind="stable")
        present, starts = np.unique(labels[which][order], return_index=True)
        sums[present] += np.add.reduceat(block[order], starts, axis=0, dtype=np.float64)
    return sums / np.maximum(counts, 1)[:, None]


def _within(points: Rows, means: FloatArray, labels: IntArray) -> tuple[FloatArray, FloatArray]:
    """Eigenvalues (R,) and axes (R, R) of S_w / N."""
    scatter = np.zeros((points.width, points.width))
    for which, block in points.blocks():
        deviations = block - means[labels[which]].astype(block.dtype)
        scatter += deviations.T @ deviations
    eigenvalues, axes = np.linalg.eigh(scatter / points.items)
    return np.maximum(eigenvalues, 0.0), axes


def _log_priors(counts: IntArray, priors: Literal["empirical", "uniform"]) -> FloatArray:
    """Log prior (K,) of each class with examples (0 for the others, whose scores do not use it)."""
    share = counts / counts.sum() if priors == "empirical" else np.full(len(counts), 1 / (counts > 0).sum())
    return np.log(np.where(counts > 0, share, 1.0))
