"""Ridge regression: one eigendecomposition gives every penalty and every leave-one-out prediction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike

from headstart.core.errors import HeadstartError
from headstart.measure.linear import (
    RELATIVE_PENALTIES,
    Choose,
    FloatArray,
    LinearSolution,
    as_penalties,
    as_weights,
    finite,
    mean_eigenvalue,
    rows_in_span,
    select,
)
from headstart.measure.rows import Rows


def fit_ridge(
    features: ArrayLike,
    targets: ArrayLike,
    *,
    penalties: Sequence[float] | None = None,
    weights: ArrayLike | None = None,
    choose: Choose | None = None,
    every: int = 1,
) -> LinearSolution:
    """Minimise sum_i w_i |y_i - W'x_i - b|^2 + penalty |W|^2, the intercept b unpenalised.

    features (N, D), targets (N, K), weights (N,) positive (ones by default). `penalties` are absolute, on
    the scale of the weighted scatter X'X; the default is 13 log-spaced multiples, 1e-4 to 1e4, of its mean
    eigenvalue (trace / min(N, D)). `choose` maps left-out predictions (N, K) to a loss, lower better; the
    default is their weighted mean squared error. Equal losses go to the larger penalty. Only one in `every` examples
    is looked at for that choice.

    `left_out` equals refitting N times without one example (same penalty): for a penalised linear smoother
    the left-out residual is (y_i - f_i) / (1 - h_ii) (Allen 1974; Golub, Heath and Wahba 1979).
    """
    examples = finite(features)
    items, width = examples.shape
    wanted = _as_targets(targets, items)
    weight = as_weights(weights, items)

    share = weight / weight.sum()
    centre, middle = Rows(examples).sums(share), share @ wanted
    points, basis = rows_in_span(examples, centre)
    eigenvalues, axes = np.linalg.eigh(points.scatter(weight))
    eigenvalues = np.maximum(eigenvalues, 0.0)
    correlation = (points.sums(weight[:, None] * (wanted - middle)) @ axes).T

    if penalties is None:
        unit = mean_eigenvalue(float(eigenvalues.sum()), items, width)
        tried = tuple(multiple * unit for multiple in RELATIVE_PENALTIES)
    else:
        tried = as_penalties(penalties)
    inverse = 1.0 / (eigenvalues[:, None] + np.array(tried))  # (R, P)
    leverage = points.energies(axes, inverse)  # (N, P)
    leverage *= weight[:, None]
    leverage += share[:, None]  # the intercept's
    freedom = np.maximum(1.0 - leverage, np.finfo(np.float64).eps)

    slopes = [np.asarray(axes @ (correlation * column[:, None]), dtype=np.float64) for column in inverse.T]

    def left_out(step: int, some: Sequence[int]) -> Iterator[FloatArray]:
        known = wanted[::step]
        for one, fit in zip(some, points.every(step).times_each([slopes[one] for one in some]), strict=True):
            yield known - (known - middle - fit) / freedom[::step, one, None]

    def squared_error(scores: FloatArray) -> float:
        return float(share[::every] @ ((scores - wanted[::every]) ** 2).mean(axis=1))

    chosen, best, path = select(tried, left_out, choose or squared_error, every)
    weight = slopes[chosen] if basis is None else basis @ slopes[chosen]
    return LinearSolution(weight, middle - centre @ weight, best, "ridge", tried[chosen], path)


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
