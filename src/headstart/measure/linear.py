"""What every closed-form head comes to: scores affine in the features, and how well they do left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from headstart.core.errors import HeadstartError
from headstart.measure.rows import Rows

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Choose = Callable[[FloatArray], float]

# Thirteen multiples of the mean eigenvalue: from almost no shrinkage to almost nothing but shrinkage.
RELATIVE_PENALTIES: tuple[float, ...] = tuple(float(step) for step in np.logspace(-4, 4, 13))


@dataclass(frozen=True, eq=False)
class LinearSolution:
    """Scores `features @ weight + bias`, and the scores each training example gets when it is left out.

    `left_out` is exact leave-one-out for ridge and LDA, out-of-fold for logistic regression. `path` holds
    (penalty, left-out loss) for every penalty tried, in the order tried; `penalty` is the one chosen.
    """

    weight: FloatArray  # (D, K)
    bias: FloatArray  # (K,)
    left_out: FloatArray  # (N, K)
    solver: str  # "ridge" | "lda" | "ridge + lda" | "logistic"
    penalty: float
    path: tuple[tuple[float, float], ...]

    def scores(self, features: ArrayLike) -> FloatArray:
        """Scores (N, K) of features (N, D)."""
        examples = np.asarray(features)
        if examples.ndim != 2 or examples.shape[1] != len(self.weight):
            raise HeadstartError(
                f"This head reads features of shape (N, {len(self.weight)}), not {examples.shape}; "
                "give it the features of the stage it was fitted on."
            )
        return Rows(examples).times(self.weight) + self.bias

    def scaled(self, scale: ArrayLike, offset: ArrayLike = 0.0) -> LinearSolution:
        """The solution whose scores are `scale * scores + offset` (each a number or (K,))."""
        factor = np.asarray(scale, dtype=np.float64)
        shift = np.asarray(offset, dtype=np.float64)
        return replace(
            self,
            weight=self.weight * factor,
            bias=self.bias * factor + shift,
            left_out=self.left_out * factor + shift,
        )

    def before(self, spread: FloatArray) -> LinearSolution:
        """The solution for features as they were before each was divided by its `spread` (D,)."""
        return replace(self, weight=self.weight / spread[:, None])

    def mean_with(self, other: LinearSolution) -> LinearSolution:
        """The solution whose scores are the mean of both."""
        return replace(
            self,
            weight=(self.weight + other.weight) / 2,
            bias=(self.bias + other.bias) / 2,
            left_out=(self.left_out + other.left_out) / 2,
            solver=f"{self.solver} + {other.solver}",
        )


def root_deviation(features: NDArray[Any]) -> FloatArray:
    """The square root of each feature's standard deviation (D,), with a floor: dividing by it goes half the way to
    equal spread, so that quiet features count for more and noise is not blown up.

    It is taken once from all examples; leave-one-out is exact for features so divided.
    """
    even = np.full(len(features), 1 / len(features))
    centred = Rows(features, Rows(features).sums(even))
    deviation = np.sqrt(sum(np.square(block).sum(axis=0) for _, block in centred.blocks()) / len(features))
    return np.asarray(np.sqrt(deviation + 1e-3 * max(float(deviation.mean()), 1e-12)), dtype=np.float64)


def as_features(features: ArrayLike) -> FloatArray:
    """Features as float64 (N, D), refused unless they are finite and there are at least two examples."""
    return np.asarray(finite(features), dtype=np.float64)


def finite(features: ArrayLike) -> NDArray[Any]:
    """Features (N, D) as they are, refused unless they are finite numbers and there are at least two examples."""
    examples = np.asarray(features)
    examples = examples if examples.dtype.kind == "f" else examples.astype(np.float64)
    if examples.ndim != 2 or examples.shape[0] < 2 or examples.shape[1] < 1:
        raise HeadstartError(
            f"A linear head needs features of shape (N, D) with at least 2 examples, not {examples.shape}; "
            "pool the features to one row an example, or add examples."
        )
    broken = ~np.isfinite(examples).all(axis=1)
    if broken.any():
        raise HeadstartError(
            f"Features of {int(broken.sum())} examples are not finite (first: row {int(broken.argmax())}); "
            "leave these examples out or compute their features in float32."
        )
    return examples


def as_labels(labels: ArrayLike, items: int, classes: int) -> IntArray:
    """Labels as int64 (N,), refused unless there is one an example, each in 0 … classes - 1."""
    given = np.asarray(labels)
    if given.shape != (items,) or given.dtype.kind not in "iu":
        raise HeadstartError(
            f"Labels must be whole numbers of shape ({items},), not {given.dtype} of shape {given.shape}; "
            "number the classes from 0 and give one label an example."
        )
    outside = (given < 0) | (given >= classes)
    if outside.any():
        row = int(outside.argmax())
        raise HeadstartError(
            f"Label {given[row]} of row {row} is outside 0 … {classes - 1}; number the classes from 0."
        )
    return given.astype(np.int64)


def as_weights(weights: ArrayLike | None, items: int) -> FloatArray:
    """Example weights as float64 (N,): ones when none are given, refused unless finite and positive."""
    if weights is None:
        return np.ones(items)
    given = np.asarray(weights, dtype=np.float64)
    if given.shape != (items,) or not np.isfinite(given).all() or not (given > 0).all():
        raise HeadstartError(
            f"Example weights must be finite and positive, of shape ({items},); "
            "leave examples of weight zero out of the features instead."
        )
    return given


def as_penalties(penalties: Sequence[float]) -> tuple[float, ...]:
    """The penalties to try, refused unless there is one and all are finite and positive."""
    tried = tuple(float(penalty) for penalty in penalties)
    if not tried or not all(np.isfinite(penalty) and penalty > 0 for penalty in tried):
        raise HeadstartError(f"Penalties must be finite and positive, and at least one; got {tried}.")
    return tried


def mean_eigenvalue(trace: float, items: int, width: int) -> float:
    """Mean of the min(N, D) eigenvalues a scatter of N examples of D features can have; 1 when it is 0."""
    mean = trace / min(items, width)
    return mean if mean > 0 else 1.0


def span(centred: FloatArray) -> tuple[FloatArray, FloatArray | None]:
    """Coordinates (N, R) of the examples in an orthonormal basis (D, R) of their own span.

    With fewer examples than features nothing outside that span can matter to a penalised fit, so the
    fit may happen inside it; the basis is None, and the coordinates the input, when R would be D.
    """
    items, width = centred.shape
    if items >= width:
        return centred, None
    basis, triangle = np.linalg.qr(centred.T)
    return np.ascontiguousarray(triangle.T), basis


def rows_in_span(examples: NDArray[Any], centre: FloatArray) -> tuple[Rows, FloatArray | None]:
    """The examples less their centre, in the coordinates of `span`, without a copy where that is the input."""
    items, width = examples.shape
    if items >= width:
        return Rows(examples, centre), None
    points, basis = span(examples - centre)
    return Rows(points), basis


def select(
    penalties: Sequence[float],
    left_out: Callable[[int, Sequence[int]], Iterable[FloatArray]],
    choose: Choose,
    every: int = 1,
) -> tuple[int, FloatArray, tuple[tuple[float, float], ...]]:
    """Index of the penalty of lowest left-out loss, its left-out scores for all examples, and the whole path.

    `left_out` gives the scores of one in so many examples at each of some penalties. Equal losses go to the larger
    penalty: the simpler head. Only the best scores are kept in memory.
    """
    best: tuple[int, FloatArray] | None = None
    path: list[tuple[float, float]] = []
    scored = left_out(every, range(len(penalties)))
    for index, (penalty, scores) in enumerate(zip(penalties, scored, strict=True)):
        loss = float(choose(scores))
        path.append((penalty, loss))
        if np.isnan(loss):
            continue
        if best is None or (loss, -penalty) < (path[best[0]][1], -penalties[best[0]]):
            best = (index, scores)
    if best is None:
        raise HeadstartError(
            "The left-out loss is not a number at any penalty; check the features, the targets and the loss."
        )
    chosen, scores = best
    if every > 1:
        (scores,) = left_out(1, [chosen])
    return chosen, scores, tuple(path)
