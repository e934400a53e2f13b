"""Ridge regression for examples in the order of time, whose neighbours overlap: penalties are chosen by telling later
blocks from earlier ones, since one example left out alone would be known from those beside it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike

from headstart.measure.linear import FloatArray, LinearSolution, as_features, as_weights, mean_eigenvalue

BLOCKS = 6
PENALTIES = tuple(10.0**power for power in range(-6, 5))
"""Multiples of the mean eigenvalue of the scatter."""


def fit_blocked_ridge(
    features: ArrayLike,
    targets: FloatArray,
    *,
    weights: FloatArray | None = None,
    penalties: Sequence[float] = PENALTIES,
    blocks: int = BLOCKS,
) -> LinearSolution:
    """Minimise sum w_i |y_i - W'x_i - b|^2 + penalty |W|^2, the intercept b unpenalised.

    features (N, D), targets (N, K) and weights (N,) (ones by default), in the order of time. Each of the later half of
    `blocks` contiguous blocks is told from all that go ahead of it, as the test will be (Tashman 2000), and the penalty
    of lowest squared error wins; penalties grow with the number of examples. `left_out` are these predictions at that
    penalty, and for the earlier blocks those from all other blocks.
    """
    examples = as_features(features)
    items, width = examples.shape
    bounds = np.linspace(0, items, min(blocks, items) + 1).astype(int)
    parts = [slice(first, last) for first, last in itertools.pairwise(bounds)]
    weight = as_weights(weights, items)
    centre, middle = examples.mean(axis=0), targets.mean(axis=0)
    even, wanted = examples - centre, targets - middle
    sums = [_Sums.of(even[part], wanted[part], weight[part]) for part in parts]
    whole = _Sums.total(sums)
    unit = mean_eigenvalue(float(np.trace(whole.square)), items, width) / whole.count
    tried = [multiple * unit for multiple in penalties]
    first = len(parts) // 2
    known = [_Sums.total(sums[:place]) if place >= first else whole - own for place, own in enumerate(sums)]
    errors = np.zeros(len(tried))
    for part, others in zip(parts[first:], known[first:], strict=True):
        for place, (slopes, shift) in enumerate(others.solved(tried)):
            apart = even[part] @ slopes + shift - wanted[part]
            errors[place] += float(weight[part] @ (apart**2).sum(axis=1))
    best = int(len(tried) - 1 - np.argmin(errors[::-1]))
    left_out = np.empty_like(wanted)
    for part, others in zip(parts, known, strict=True):
        slopes, shift = next(others.solved(tried[best : best + 1]))
        left_out[part] = even[part] @ slopes + shift
    slopes, shift = next(whole.solved(tried[best : best + 1]))
    penalty = tried[best] * whole.count
    path = tuple(zip([one * whole.count for one in tried], errors.tolist(), strict=True))
    return LinearSolution(slopes, middle + shift - centre @ slopes, left_out + middle, "ridge by time", penalty, path)


class _Sums:
    """Sums of products over some examples, from which a ridge solution is made."""

    def __init__(
        self, count: float, first: FloatArray, second: FloatArray, square: FloatArray, cross: FloatArray
    ) -> None:
        self.count, self.first, self.second, self.square, self.cross = count, first, second, square, cross

    @staticmethod
    def of(examples: FloatArray, wanted: FloatArray, weight: FloatArray) -> _Sums:
        weighed = examples * weight[:, None]
        sums = weighed.sum(axis=0), weight @ wanted
        return _Sums(float(weight.sum()), *sums, weighed.T @ examples, weighed.T @ wanted)

    @staticmethod
    def total(parts: Sequence[_Sums]) -> _Sums:
        names = ("count", "first", "second", "square", "cross")
        return _Sums(*(sum(getattr(part, name) for part in parts) for name in names))

    def __sub__(self, other: _Sums) -> _Sums:
        names = ("count", "first", "second", "square", "cross")
        return _Sums(*(getattr(self, name) - getattr(other, name) for name in names))

    def solved(self, penalties: Sequence[float]) -> Iterator[tuple[FloatArray, FloatArray]]:
        """(slopes (D, K), intercept (K,)) at each penalty an example."""
        from scipy.linalg import cho_factor, cho_solve

        count = self.count
        centre, middle = self.first / count, self.second / count
        square = self.square - count * np.outer(centre, centre)
        cross = self.cross - count * np.outer(centre, middle)
        for penalty in penalties:
            slopes = cho_solve(cho_factor(square + penalty * count * np.eye(len(square))), cross)
            yield slopes, middle - centre @ slopes
