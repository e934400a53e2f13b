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
    times: ArrayLike | None = None,
    gap: float = 1,
    reluctant: bool = False,
    blocks: int = BLOCKS,
) -> LinearSolution:
    """Minimise sum w_i |y_i - W'x_i - b|^2 + penalty |W|^2, the intercept b unpenalised.

    features (N, D), targets (N, K), weights (N,) (ones by default), and `times` (N,) at which targets begin, each `gap`
    long; their order, where these are not given or hardly differ. Each of the later half of `blocks` blocks of time is
    told from all targets that have ended when it begins, as the test will be (Tashman 2000; Lopez de Prado 2018 calls
    that purging), and the penalty of lowest squared error wins; penalties grow with the number of examples. `left_out`
    are these predictions at that penalty, and for the earlier blocks those from all examples whose targets do not meet
    theirs. Where `reluctant`, the penalty is the largest whose error is within one standard error of the lowest
    (Breiman et al. 1984), stretches of time as long as `gap` being taken for independent.
    """
    examples = as_features(features)
    items, width = examples.shape
    when = np.arange(items, dtype=np.float64)
    if times is not None and len(np.unique(times)) >= blocks:
        when = np.asarray(times, np.float64)
    order = np.argsort(when, kind="stable")
    when = when[order]
    weight = as_weights(weights, items)[order]
    centre, middle = examples.mean(axis=0), targets.mean(axis=0)
    even, wanted = (examples - centre)[order], (targets - middle)[order]
    bounds = np.searchsorted(when, when[np.linspace(0, items, min(blocks, items) + 1).astype(int)[:-1]])
    parts = [slice(*pair) for pair in itertools.pairwise(dict.fromkeys([*bounds.tolist(), items]))]
    ended = np.searchsorted(when, [when[part.start] - gap for part in parts], "right").tolist()
    later = np.searchsorted(when, [when[part.stop - 1] + gap for part in parts]).tolist()
    sums = _Cumulative(even, wanted, weight, sorted({0, items, *ended, *later}))
    whole = sums.between(0, items)
    unit = mean_eigenvalue(float(np.trace(whole.square)), items, width) / whole.count
    tried = [multiple * unit for multiple in PENALTIES]
    first = len(parts) // 2
    known = [
        sums.between(0, before) if place >= first and before else sums.between(0, before) + sums.between(after, items)
        for place, (before, after) in enumerate(zip(ended, later, strict=True))
    ]
    told = [(part, others) for part, others in zip(parts, known, strict=True) if others.count > 0]
    stretches = np.floor((when - when[0]) / gap).astype(int)
    by_stretch = np.zeros((len(tried), stretches[-1] + 1))
    for part, others in told[-(len(parts) - first) :]:
        for place, (slopes, shift) in enumerate(others.solved(tried)):
            apart = weight[part] * ((even[part] @ slopes + shift - wanted[part]) ** 2).sum(axis=1)
            by_stretch[place] += np.bincount(stretches[part], apart, by_stretch.shape[1])
    errors = by_stretch.sum(axis=1)
    best = int(len(tried) - 1 - np.argmin(errors[::-1]))
    if reluctant:
        best = _least_sure(by_stretch, best)
    left_out = np.zeros_like(wanted)
    for part, others in told:
        slopes, shift = next(others.solved(tried[best : best + 1]))
        left_out[part] = even[part] @ slopes + shift
    slopes, shift = next(whole.solved(tried[best : best + 1]))
    penalty = tried[best] * whole.count
    path = tuple(zip([one * whole.count for one in tried], errors.tolist(), strict=True))
    found = np.empty_like(left_out)
    found[order] = left_out + middle
    return LinearSolution(slopes, middle + shift - centre @ slopes, found, "ridge by time", penalty, path)


def _least_sure(errors: FloatArray, best: int) -> int:
    """The last row of errors (P, stretches) whose sum is within one standard error of that of the `best` row."""
    lost = (errors - errors[best])[:, errors.any(axis=0)]
    many = lost.shape[1]
    error = np.sqrt(many) * lost.std(axis=1, ddof=1) if many > 1 else np.zeros(len(lost))
    return int(np.flatnonzero(lost.sum(axis=1) <= error)[-1])


class _Cumulative:
    """Sums over examples up to each of some `places`, from which those between any two are made."""

    def __init__(self, examples: FloatArray, wanted: FloatArray, weight: FloatArray, places: Sequence[int]) -> None:
        zero = _Sums.of(examples[:0], wanted[:0], weight[:0])
        self._up_to = {0: zero}
        for last, place in itertools.pairwise(places):
            part = slice(last, place)
            self._up_to[place] = self._up_to[last] + _Sums.of(examples[part], wanted[part], weight[part])

    def between(self, first: int, last: int) -> _Sums:
        return self._up_to[last] - self._up_to[first]


class _Sums:
    """Sums of products over some examples, from which a ridge solution is made."""

    _names = ("count", "first", "second", "square", "cross")

    def __init__(
        self, count: float, first: FloatArray, second: FloatArray, square: FloatArray, cross: FloatArray
    ) -> None:
        self.count, self.first, self.second, self.square, self.cross = count, first, second, square, cross

    @staticmethod
    def of(examples: FloatArray, wanted: FloatArray, weight: FloatArray) -> _Sums:
        weighed = examples * weight[:, None]
        sums = weighed.sum(axis=0), weight @ wanted
        return _Sums(float(weight.sum()), *sums, weighed.T @ examples, weighed.T @ wanted)

    def __add__(self, other: _Sums) -> _Sums:
        return _Sums(*(getattr(self, name) + getattr(other, name) for name in self._names))

    def __sub__(self, other: _Sums) -> _Sums:
        return _Sums(*(getattr(self, name) - getattr(other, name) for name in self._names))

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
