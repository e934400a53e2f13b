"""Spans of words from two scores a place: how good a start it is, and how good an end.

The places of an example are one for "no answer" and then its words. Arrays hold the places of all examples in a row
(T, …), and `first` (T,) marks the first place of each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from headstart.measure.calibration import softmax
from headstart.measure.linear import FloatArray

Flags = NDArray[np.bool_]
WIDE = 10.0
"""Deviation of the weak prior on what `fit_mixture` looks for, in units of each column: it keeps the fit finite where
left-out scores tell everything."""


@dataclass(frozen=True)
class Span:
    """The answer to one example."""

    first: int
    """Its first and last word; -1 for no answer."""
    last: int
    probability: float
    """Among all spans and no answer."""


def likeliest(scores: FloatArray, longest: int) -> Span:
    """The best span of at most `longest` words by the sum of its two scores, or no answer where that sums to no less;
    from scores (1 + W, 2)."""
    words = len(scores) - 1
    longest = min(longest, words)
    if not words:
        return Span(-1, -1, 1.0)
    ends = np.concatenate([scores[1:, 1], np.full(longest - 1, -np.inf)])
    sums = scores[1:, :1] + sliding_window_view(ends, longest)  # (W, longest): from each word, so many words more
    probabilities = softmax(np.append(scores[0].sum(), sums.ravel()))
    best = int(probabilities.argmax())
    if best == 0:
        return Span(-1, -1, float(probabilities[0]))
    first, more = divmod(best - 1, longest)
    return Span(first, first + more, float(probabilities[best]))


def span_losses(scores: FloatArray, flags: Flags, first: Flags) -> FloatArray:
    """(N,) mean of the negative log-likelihoods of start and end, in nats, from scores (T, 2).

    Args:
        flags: (T, 2) places where an accepted answer starts and ends; their likelihoods are added (as do Clark and
            Gardner 2018).
    """
    starts = np.flatnonzero(first)
    return np.asarray((_log_sums(scores, starts) - _log_sums(np.where(flags, scores, -np.inf), starts)).mean(axis=1))


def fit_scale(scores: FloatArray, flags: Flags, first: Flags) -> float:
    """The factor of scores (T, 2) that gives the lowest loss; 1 where they say nothing. One more pseudo-example, spread
    evenly over all places, keeps it finite, as in `headstart.measure.calibration.fit_temperature`."""
    if not np.ptp(scores):
        return 1.0
    from scipy.optimize import minimize_scalar

    starts = np.flatnonzero(first)
    means = np.add.reduceat(scores, starts) / _lengths(starts, scores)[:, None]

    def loss(power: float) -> float:
        scaled = np.exp(power) * scores
        even = float((_log_sums(scaled, starts) - np.exp(power) * means).mean())
        return float(span_losses(scaled, flags, first).mean()) + even / len(starts)

    return float(np.exp(minimize_scalar(loss, bounds=(-7, 7), method="bounded").x))


def fit_mixture(columns: FloatArray, flags: Flags, first: Flags) -> FloatArray:
    """Weights (C, 2) that make scores of columns (T, C) with the lowest loss."""
    from scipy.optimize import minimize

    starts = np.flatnonzero(first)
    counts = _lengths(starts, first)
    spread = columns.std(axis=0)
    spread = np.where(spread > 1e-9 * max(1.0, float(spread.max())), spread, np.inf)  # a constant column says nothing
    given = columns / spread
    marked = np.where(flags, 0.0, -np.inf)

    def loss(flat: FloatArray) -> tuple[float, FloatArray]:
        weights = flat.reshape(-1, 2)
        scores = given @ weights
        every, wanted = _log_sums(scores, starts), _log_sums(scores + marked, starts)
        pull = np.exp(scores - np.repeat(every, counts, axis=0))
        pull -= np.exp(scores + marked - np.repeat(wanted, counts, axis=0))
        prior = (weights / WIDE) / (WIDE * len(starts))
        value = float((every - wanted).mean()) + float((weights * prior).sum()) / 2
        return value, (given.T @ pull / (2 * len(starts)) + prior).ravel()

    found = minimize(loss, np.zeros(2 * columns.shape[1]), jac=True, method="L-BFGS-B")
    return np.asarray(found.x.reshape(-1, 2) / spread[:, None], np.float64)


def _log_sums(scores: FloatArray, starts: NDArray[np.int64]) -> FloatArray:
    """Logarithm (N, K) of the sum of exp(scores) over each example's places."""
    highest = np.maximum.reduceat(scores, starts)
    below = scores - np.repeat(highest, _lengths(starts, scores), axis=0)
    return np.asarray(highest + np.log(np.add.reduceat(np.exp(below), starts)), np.float64)


def _lengths(starts: NDArray[np.int64], places: NDArray[Any]) -> NDArray[np.int64]:
    return np.diff(np.append(starts, len(places)))
