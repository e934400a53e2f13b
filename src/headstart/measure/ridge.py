"""Ridge regression: one eigendecomposition gives every penalty and every leave-one-out prediction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from headstart.core.errors import HeadstartError
from headstart.measure.linear import (
    RELATIVE_PENALTIES,
    Choose,
    FloatArray,
    LinearSolution,
    as_features,
    as_penalties,
    as_weights,
    mean_eigenvalue,
    select,
)


def fit_ridge(
    features: ArrayLike,
    targets: ArrayLike,
    *,
    penalties: Sequence[float] | None = None,
    weights: ArrayLike | None = None,
    choose: Choose | None = None,
) -> LinearSolution:
    """Minimise sum_i w_i |y_i - W'x_i - b|^2 + penalty |W|^2, the intercept b unpenalised.

    features (N, D), targets (N, K), weights (N,) positive (ones by default). `penalties` are absolute, on
    the scale of the weighted scatter X'X; the default is 13 log-spaced multiples, 1e-4 to 1e4, of its mean
    eigenvalue (trace / min(N, D)). `choose` maps left-out predictions (N, K) to a loss, lower better; the
    default is their weighted mean squared error. Equal losses go to the larger penalty.

    `left_out` equals refitting N times without one example (same penalty): for a penalised linear smoother
    the left-out residual is (y_i - f_i) / (1 - h_ii) (Allen 1974; Golub, Heath and Wahba 1979).
    """
    examples = as_features(features)
    items, width = examples.shape
    wanted = _as_targets(targets, items)
    weight = as_weights(weights, items)

    share = weight / weight.sum()
    root = np.sqrt(weight)[:, None]
    centre, middle = share @ examples, share @ wanted
    scatter = _decompose(root * (examples - centre))
    correlation = scatter.scores.T @ (root * (wanted - middle))

    if penalties is None:
        unit = mean_eigenvalue(float(scatter.eigenvalues.sum()), items, width)
        tried = tuple(multiple * unit for multiple in RELATIVE_PENALTIES)
    else:
        tried = as_penalties(penalties)
    inverse = 1.0 / (scatter.eigenvalues[:, None] + np.array(tried))  # (R, P)
    leverage = share[:, None] + scatter.scores**2 @ inverse  # (N, P), the intercept's share included
    freedom = np.maximum(1.0 - leverage, np.finfo(np.float64).eps)

    def left_out_at(index: int) -> FloatArray:
        fitted = middle + scatter.scores @ (correlation * inverse[:, index, None]) / root
        return np.asarray(wanted - (wanted - fitted) / freedom[:, index, None], dtype=np.float64)

    def squared_error(left_out: FloatArray) -> float:
        return float(share @ ((left_out - wanted) ** 2).mean(axis=1))

    chosen, left_out, path = select(tried, left_out_at, choose or squared_error)
    slopes = scatter.lift(correlation * inverse[:, chosen, None])
    return LinearSolution(slopes, middle - centre @ slopes, left_out, "ridge", tried[chosen], path)


@dataclass(frozen=True, eq=False)
class _Scatter:
    """Examples in the eigenbasis of their scatter: scores (N, R), eigenvalues (R,), the way back to D."""

    scores: FloatArray
    eigenvalues: FloatArray
    lift: Callable[[FloatArray], FloatArray]


def _decompose(examples: FloatArray) -> _Scatter:
    """Eigendecompose the smaller of the D x D covariance and the N x N Gram matrix."""
    items, width = examples.shape
    if items > width:
        eigenvalues, basis = np.linalg.eigh(examples.T @ examples)
        return _Scatter(examples @ basis, np.maximum(eigenvalues, 0.0), lambda slopes: basis @ slopes)
    eigenvalues, basis = np.linalg.eigh(examples @ examples.T)
    kept = eigenvalues > eigenvalues[-1] * items * np.finfo(np.float64).eps
    eigenvalues, basis = eigenvalues[kept], basis[:, kept]
    root = np.sqrt(eigenvalues)
    return _Scatter(basis * root, eigenvalues, lambda slopes: examples.T @ (basis @ (slopes / root[:, None])))


def _as_targets(targets: ArrayLike, items: int) -> FloatArray:
    wanted = np.asarray(targets, dtype=np.float64)
    if wanted.ndim != 2 or len(wanted) != items or wanted.shape[1] < 1:
        raise HeadstartError(
            f"Ridge targets must have shape ({items}, K), not {wanted.shape}; give one row an example."
        )
    broken = ~np.isfinite(wanted).all(axis=1)
    if broken.any():
        raise HeadstartError(
            f"Targets of {int(broken.sum())} examples are not finite (first: row {int(broken.argmax())}); "
            "leave these examples out."
        )
    return wanted
