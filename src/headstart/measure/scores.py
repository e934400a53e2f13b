"""Metrics on stored predictions, each as a statistic: weights (R, N) over the items in, (R,) values out.

A bootstrap replicate is a row of counts, so all replicates are a few matrix products; ones give the metric.
Conventions are scikit-learn's, except that what a sample cannot tell (the recall of nobody) is nan, never 0.
The truth comes first, then what was predicted. Labels are whole numbers from 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from headstart.core.errors import HeadstartError
from headstart.measure.linear import FloatArray, IntArray, as_labels

Statistic = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True, eq=False)
class Mean:
    """The weighted mean of one value (N,) an item."""

    values: FloatArray

    def __call__(self, weights: FloatArray) -> FloatArray:
        return _ratio(weights @ self.values, weights.sum(axis=1))


@dataclass(frozen=True, eq=False)
class Proportion(Mean):
    """A mean of zeros and ones: its interval is never narrower than Wilson's (see `intervals`)."""


@dataclass(frozen=True, eq=False)
class MeanAmong:
    """The weighted mean of one value (N,) an item over the items that count (N,); nan where there are none."""

    values: FloatArray
    counts: NDArray[np.bool_]

    def __call__(self, weights: FloatArray) -> FloatArray:
        return _ratio(weights @ (self.values * self.counts), weights @ self.counts.astype(np.float64))


def value(statistic: Statistic, items: int) -> float:
    """The metric itself: the statistic of all items, each once."""
    return float(statistic(np.ones((1, items)))[0])


# One label an item


def accuracy_statistic(labels: ArrayLike, predicted: ArrayLike) -> Proportion:
    """Share of items whose predicted label (N,) is right."""
    truth, guess = _same_shape(labels, predicted)
    return Proportion((truth == guess).astype(np.float64))


def balanced_accuracy_statistic(labels: ArrayLike, predicted: ArrayLike, classes: int) -> Statistic:
    """Mean recall over the classes present in the labels."""
    truth, guess = _labels(labels, predicted, classes)
    right = _counter(truth, classes, truth == guess)
    actual = _counter(truth, classes)
    return lambda weights: _mean_over_classes(right(weights), actual(weights))


def macro_f1_statistic(labels: ArrayLike, predicted: ArrayLike, classes: int) -> Statistic:
    """Mean F1 over the classes present in the labels or the predictions."""
    truth, guess = _labels(labels, predicted, classes)
    right = _counter(truth, classes, truth == guess)
    actual, called = _counter(truth, classes), _counter(guess, classes)
    return lambda weights: _mean_over_classes(2 * right(weights), actual(weights) + called(weights))


def log_loss_statistic(labels: ArrayLike, probabilities: ArrayLike) -> Mean:
    """Mean -log of the probability (N, K) of the label, in nats; clipped to eps … 1 - eps."""
    given = np.asarray(probabilities, dtype=np.float64)
    if given.ndim != 2:
        raise HeadstartError(f"Log loss needs probabilities of shape (N, K), not {given.shape}.")
    truth = as_labels(labels, len(given), given.shape[1])
    eps = np.finfo(np.float64).eps
    return Mean(-np.log(np.clip(given[np.arange(len(truth)), truth], eps, 1 - eps)))


def confusion(labels: ArrayLike, predicted: ArrayLike, classes: int, weights: ArrayLike | None = None) -> FloatArray:
    """Counts (K, K) of (label, predicted label); with weights (R, N) one such table a row, (R, K, K)."""
    truth, guess = _labels(labels, predicted, classes)
    counts = np.ones((1, len(truth))) if weights is None else np.asarray(weights, dtype=np.float64)
    table = _counter(truth * classes + guess, classes**2)(counts).reshape(-1, classes, classes)
    return table[0] if weights is None else table


# Many labels an item: targets (N, K) of 0 and 1


def mean_average_precision_statistic(targets: ArrayLike, scores: ArrayLike) -> Statistic:
    """Mean over labels of average precision, sum of (R_n - R_n-1) P_n over thresholds, scores (N, K).

    Labels without a positive among the items are left out (scikit-learn counts them as 0 and warns).
    """
    truth, given = _same_shape(targets, scores, columns=True)
    columns = [_ranking(truth[:, label], given[:, label]) for label in range(truth.shape[1])]

    def statistic(weights: FloatArray) -> FloatArray:
        total, known = np.zeros(len(weights)), np.zeros(len(weights))
        for order, positive, last in columns:
            counts = weights[:, order]
            above = np.cumsum(counts, axis=1)[:, last]
            found = np.cumsum(counts * positive, axis=1)[:, last]
            gained = np.diff(found, axis=1, prepend=0.0)
            precision = np.divide(found, above, out=np.zeros_like(found), where=above > 0)
            positives = found[:, -1]
            some = positives > 0
            total[some] += (gained * precision).sum(axis=1)[some] / positives[some]
            known += some
        return _ratio(total, known)

    return statistic


def micro_f1_statistic(targets: ArrayLike, predicted: ArrayLike) -> Statistic:
    """F1 over all (item, label) cells, predicted (N, K) of 0 and 1; 0 when there is no 1 at all."""
    truth, guess = _same_shape(targets, predicted, columns=True)
    right, marked = (truth * guess).sum(axis=1), (truth + guess).sum(axis=1)

    def statistic(weights: FloatArray) -> FloatArray:
        cells = weights @ marked
        shares = np.divide(2 * (weights @ right), cells, out=np.zeros_like(cells), where=cells > 0)
        return np.asarray(shares, dtype=np.float64)

    return statistic


def hamming_loss_statistic(targets: ArrayLike, predicted: ArrayLike) -> Mean:
    """Share of wrong (item, label) cells, predicted (N, K) of 0 and 1."""
    truth, guess = _same_shape(targets, predicted, columns=True)
    return Mean((truth != guess).mean(axis=1))


# Numbers: targets (N,) or (N, K), metrics averaged over the K outputs


def mean_absolute_error_statistic(targets: ArrayLike, predicted: ArrayLike) -> Mean:
    """Mean |target - predicted|, in the target's unit."""
    truth, guess = _same_shape(targets, predicted, columns=True)
    return Mean(np.abs(truth - guess).mean(axis=1))


def root_mean_squared_error_statistic(targets: ArrayLike, predicted: ArrayLike) -> Statistic:
    """Root of the mean squared error of each output, in the target's unit, averaged over outputs."""
    truth, guess = _same_shape(targets, predicted, columns=True)
    squares = (truth - guess) ** 2

    def statistic(weights: FloatArray) -> FloatArray:
        means = _ratio(weights @ squares, weights.sum(axis=1)[:, None])
        return np.asarray(np.sqrt(means).mean(axis=1), dtype=np.float64)

    return statistic


def r_squared_statistic(targets: ArrayLike, predicted: ArrayLike) -> Statistic:
    """1 - squared error / squared error of the mean of the same items; nan where the targets do not vary."""
    truth, guess = _same_shape(targets, predicted, columns=True)
    centred = truth - truth.mean(axis=0)  # a shift changes nothing but the rounding
    squares, residuals = centred**2, (truth - guess) ** 2
    negligible = 1e-12 * squares.max(axis=0)

    def statistic(weights: FloatArray) -> FloatArray:
        total = weights.sum(axis=1)[:, None]
        spread = weights @ squares - _ratio((weights @ centred) ** 2, total)
        spread[spread <= negligible] = 0.0
        return np.asarray((1 - _ratio(weights @ residuals, spread)).mean(axis=1), dtype=np.float64)

    return statistic


def spearman_statistic(targets: ArrayLike, predicted: ArrayLike) -> Statistic:
    """Correlation of the ranks of targets and predictions (N,), ties at their mean rank; nan if constant."""
    truth, guess = _same_shape(targets, predicted)
    rank_truth, rank_guess = _ranks(truth), _ranks(guess)

    def statistic(weights: FloatArray) -> FloatArray:
        total = weights.sum(axis=1, keepdims=True)
        middle = (total + 1) / 2  # the mean of the ranks 1 … total
        first, second = rank_truth(weights) - middle, rank_guess(weights) - middle
        first_square = (weights * first**2).sum(axis=1)
        second_square = (weights * second**2).sum(axis=1)
        return _ratio((weights * first * second).sum(axis=1), np.sqrt(first_square * second_square))

    return statistic


# The same metrics as plain numbers


def accuracy(labels: ArrayLike, predicted: ArrayLike) -> float:
    return value(accuracy_statistic(labels, predicted), len(np.asarray(labels)))


def balanced_accuracy(labels: ArrayLike, predicted: ArrayLike, classes: int) -> float:
    return value(balanced_accuracy_statistic(labels, predicted, classes), len(np.asarray(labels)))


def macro_f1(labels: ArrayLike, predicted: ArrayLike, classes: int) -> float:
    return value(macro_f1_statistic(labels, predicted, classes), len(np.asarray(labels)))


def log_loss(labels: ArrayLike, probabilities: ArrayLike) -> float:
    return value(log_loss_statistic(labels, probabilities), len(np.asarray(labels)))


def mean_average_precision(targets: ArrayLike, scores: ArrayLike) -> float:
    return value(mean_average_precision_statistic(targets, scores), len(np.asarray(targets)))


def micro_f1(targets: ArrayLike, predicted: ArrayLike) -> float:
    return value(micro_f1_statistic(targets, predicted), len(np.asarray(targets)))


def hamming_loss(targets: ArrayLike, predicted: ArrayLike) -> float:
    return value(hamming_loss_statistic(targets, predicted), len(np.asarray(targets)))


def mean_absolute_error(targets: ArrayLike, predicted: ArrayLike) -> float:
    return value(mean_absolute_error_statistic(targets, predicted), len(np.asarray(targets)))


def root_mean_squared_error(targets: ArrayLike, predicted: ArrayLike) -> float:
    return value(root_mean_squared_error_statistic(targets, predicted), len(np.asarray(targets)))


def r_squared(targets: ArrayLike, predicted: ArrayLike) -> float:
    return value(r_squared_statistic(targets, predicted), len(np.asarray(targets)))


def spearman(targets: ArrayLike, predicted: ArrayLike) -> float:
    return value(spearman_statistic(targets, predicted), len(np.asarray(targets)))


# Steps


def _ratio(above: FloatArray, below: FloatArray) -> FloatArray:
    """above / below, nan where below is 0."""
    result = np.full(np.broadcast_shapes(above.shape, below.shape), np.nan)
    np.divide(above, below, out=result, where=below > 0)
    return result


def _mean_over_classes(above: FloatArray, below: FloatArray) -> FloatArray:
    """Mean over classes (R, K) of above / below where below is positive; nan where it is nowhere."""
    shares = np.divide(above, below, out=np.zeros_like(above), where=below > 0)
    return _ratio(shares.sum(axis=1), (below > 0).sum(axis=1).astype(np.float64))


def _counter(places: IntArray, size: int, counted: ArrayLike | None = None) -> Statistic:
    """The function from weights (R, N) to the total weight (R, size) at each item's place."""
    from scipy.sparse import csr_array

    values = np.ones(len(places)) if counted is None else np.asarray(counted, dtype=np.float64)
    table = csr_array((values, (places, np.arange(len(places)))), shape=(size, len(places)))
    return lambda weights: np.asarray((table @ weights.T).T, dtype=np.float64)


def _ranking(positive: FloatArray, scores: FloatArray) -> tuple[IntArray, FloatArray, IntArray]:
    """Items from the highest score down, which are positive, and where each run of equal scores ends."""
    order = np.argsort(-scores, kind="stable").astype(np.int64)
    falling = scores[order]
    last = np.flatnonzero(np.append(falling[1:] != falling[:-1], True)).astype(np.int64)
    return order, positive[order], last


def _ranks(values: FloatArray) -> Statistic:
    """The function from weights (R, N) to the mean rank (R, N) of each item among the items so repeated."""
    _, place = np.unique(values, return_inverse=True)
    counter = _counter(place.astype(np.int64), int(place.max()) + 1)

    def ranks(weights: FloatArray) -> FloatArray:
        counts = counter(weights)
        return np.asarray((np.cumsum(counts, axis=1) - (counts - 1) / 2)[:, place], dtype=np.float64)

    return ranks


def _labels(labels: ArrayLike, predicted: ArrayLike, classes: int) -> tuple[IntArray, IntArray]:
    items = len(np.asarray(labels))
    return as_labels(labels, items, classes), as_labels(predicted, items, classes)


def _same_shape(truth: ArrayLike, predicted: ArrayLike, *, columns: bool = False) -> tuple[FloatArray, FloatArray]:
    """Both as finite float64 of one shape: (N,), or with `columns` (N, K), a single column for (N,)."""
    first, second = np.asarray(truth, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    if first.shape != second.shape or first.ndim not in ((1, 2) if columns else (1,)) or not first.size:
        raise HeadstartError(
            f"Targets of shape {first.shape} and predictions of shape {second.shape} cannot be compared; "
            f"give both as {'(N,) or (N, K)' if columns else '(N,)'} with at least one item."
        )
    for name, values in (("Targets", first), ("Predictions", second)):
        if not np.isfinite(values).all():
            raise HeadstartError(f"{name} hold values that are not finite; leave those items out.")
    if columns and first.ndim == 1:
        return first[:, None], second[:, None]
    return first, second
