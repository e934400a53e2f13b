"""Multinomial logistic regression by L-BFGS, its penalty by stratified cross-validation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from headstart.measure.linear import (
    FloatArray,
    IntArray,
    LinearSolution,
    as_features,
    as_labels,
    as_penalties,
    as_weights,
    span,
)

# From almost no shrinkage to almost nothing but shrinkage, for features of mean squared norm 1.
PENALTIES: tuple[float, ...] = tuple(float(step) for step in np.logspace(-6, 0, 7))
FOLDS = 5


def fit_logistic(
    features: ArrayLike,
    labels: ArrayLike,
    classes: int,
    *,
    penalties: Sequence[float] | None = None,
    weights: ArrayLike | None = None,
    seed: int = 0,
) -> LinearSolution:
    """Minimise (weighted mean log loss of softmax(W'x + b)) + penalty / 2 * |W|^2, b unpenalised.

    features (N, D), labels (N,) in 0 … classes - 1, weights (N,) positive. The penalty is stated for centred
    features divided by one number, their root mean squared norm; the default is 7, log-spaced from 1e-6 to 1.
    Penalties are tried from the largest down, each starting from the solution before, until the out-of-fold
    log loss rises: `path` holds those tried. `left_out` holds the scores of each example by the model of the
    folds without it; there are 5 stratified folds, or fewer when there are fewer examples. An example alone
    in its class is scored by a model that never saw that class.
    """
    examples = as_features(features)
    items = len(examples)
    truth = as_labels(labels, items, classes)
    weight = as_weights(weights, items)
    share = weight / weight.sum()

    centre = share @ examples
    points, basis = span(examples - centre)
    norm = float(np.sqrt(share @ np.square(points).sum(axis=1))) or 1.0
    points = points / norm
    tried = sorted(PENALTIES if penalties is None else as_penalties(penalties), reverse=True)

    folds = stratified_folds(truth, min(FOLDS, items), seed)
    starts = [_start(truth[folds != fold], classes, points.shape[1]) for fold in range(int(folds.max()) + 1)]
    path: list[tuple[float, float]] = []
    best_loss, chosen, left_out, warm = np.inf, tried[0], np.empty((items, classes)), starts[0]
    for penalty in tried:
        out_of_fold = np.empty((items, classes))
        for fold, start in enumerate(starts):
            kept = folds != fold
            starts[fold] = _minimise(points[kept], truth[kept], weight[kept], penalty, start)
            out_of_fold[~kept] = points[~kept] @ starts[fold][:-1] + starts[fold][-1]
        loss = _weighted_log_loss(out_of_fold, truth, share)
        path.append((penalty, loss))
        if loss > best_loss:
            break
        best_loss, chosen, left_out, warm = loss, penalty, out_of_fold, starts[0]

    solution = _minimise(points, truth, weight, chosen, warm)
    slopes = solution[:-1] / norm if basis is None else basis @ (solution[:-1] / norm)
    return LinearSolution(slopes, solution[-1] - centre @ slopes, left_out, "logistic", chosen, tuple(path))


def stratified_folds(labels: IntArray, folds: int, seed: int) -> IntArray:
    """The fold (N,) of each example: each class is spread over the folds as evenly as its size allows."""
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    order = shuffled[np.argsort(labels[shuffled], kind="stable")]
    fold = np.empty(len(labels), dtype=np.int64)
    fold[order] = np.arange(len(labels)) % folds
    return fold


def _start(labels: IntArray, classes: int, width: int) -> FloatArray:
    """No slopes, and the log frequency of each class (half an example more, so none is impossible)."""
    solution = np.zeros((width + 1, classes))
    solution[-1] = np.log(np.bincount(labels, minlength=classes) + 0.5)
    return solution


def _minimise(
    points: FloatArray, labels: IntArray, weights: FloatArray, penalty: float, start: FloatArray
) -> FloatArray:
    """Slopes and, in the last row, intercepts (D + 1, K), by L-BFGS from `start`."""
    from scipy.optimize import minimize

    share = weights / weights.sum()
    rows = np.arange(len(labels))

    def loss_and_gradient(flat: FloatArray) -> tuple[float, FloatArray]:
        solution = flat.reshape(start.shape)
        margin = points @ solution[:-1] + solution[-1]
        margin -= margin.max(axis=1, keepdims=True)
        own = margin[rows, labels]
        powers = np.exp(margin, out=margin)
        total = powers.sum(axis=1)
        loss = share @ (np.log(total) - own) + penalty / 2 * np.square(solution[:-1]).sum()
        residual = powers * (share / total)[:, None]
        residual[rows, labels] -= share
        gradient = np.vstack([points.T @ residual + penalty * solution[:-1], residual.sum(axis=0)])
        return float(loss), gradient.ravel()

    found = minimize(
        loss_and_gradient,
        start.ravel(),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 1000, "maxfun": 2000, "ftol": 1e-13, "gtol": 1e-7},
    )
    return np.asarray(found.x, dtype=np.float64).reshape(start.shape)


def _weighted_log_loss(scores: FloatArray, labels: IntArray, share: FloatArray) -> float:
    below = scores - scores.max(axis=1, keepdims=True)
    return float(share @ (np.log(np.exp(below).sum(axis=1)) - below[np.arange(len(labels)), labels]))
