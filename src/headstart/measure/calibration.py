"""From scores to probabilities that mean what they say, and how far they are from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from headstart.core.errors import HeadstartError
from headstart.measure.linear import FloatArray, IntArray, as_labels


@dataclass(frozen=True)
class Bin:
    """Examples of similar confidence: mean confidence, share that is right, how many."""

    confidence: float
    accuracy: float
    count: int


def softmax(scores: ArrayLike) -> FloatArray:
    """Probabilities over the last axis, safe for any finite scores."""
    given = np.asarray(scores, dtype=np.float64)
    powers = np.exp(given - given.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), dtype=np.float64)


def sigmoid(scores: ArrayLike) -> FloatArray:
    """1 / (1 + exp(-score)), safe for any finite scores."""
    given = np.asarray(scores, dtype=np.float64)
    power = np.exp(-np.abs(given))
    return np.asarray(np.where(given >= 0, 1.0, power) / (1.0 + power), dtype=np.float64)


def negative_log_likelihood(scores: ArrayLike, labels: ArrayLike) -> float:
    """Mean over examples of -log softmax(scores)[label], in nats, from scores (N, K); never clipped."""
    given, truth = _as_scores(scores, labels)
    below = given - given.max(axis=1, keepdims=True)
    return float(np.mean(np.log(np.exp(below).sum(axis=1)) - below[np.arange(len(truth)), truth]))


def fit_temperature(scores: ArrayLike, labels: ArrayLike) -> float:
    """The scale s > 0 of scores (N, K) that minimises the log loss of softmax(s * scores); 1 / temperature.

    Guo et al. 2017, section 4.2. One more pseudo-example, spread evenly over examples and classes,
    keeps the scale finite when every example is right (what Platt's (n + 1) / (n + 2) does for two classes);
    its weight is 1 / (N + 1). The loss is convex in s; its gradient's root is found in log s by Newton steps
    inside a bracket. Scores that say nothing get 1, scores that say the opposite nearly 0.
    """
    given, truth = _as_scores(scores, labels)
    below = given - given.max(axis=1, keepdims=True)
    spread = -float(below.mean())
    if spread <= 0:
        return 1.0
    below /= spread
    more = 1.0 + 1.0 / len(truth)
    wanted = float(below[np.arange(len(truth)), truth].mean() + below.mean() / len(truth))

    def slope_and_curvature(scale: float) -> tuple[float, float]:
        powers = np.exp(below * scale)
        powers /= powers.sum(axis=1, keepdims=True)
        powers *= below
        mean = powers.sum(axis=1)
        square = float(np.vdot(powers, below)) / len(truth)
        return more * float(mean.mean()) - wanted, more * (square - float(np.mean(mean**2)))

    low, high = np.log(1e-3), np.log(1e6)
    place = 0.0
    for _ in range(100):
        slope, curvature = slope_and_curvature(float(np.exp(place)))
        low, high = (place, high) if slope < 0 else (low, place)
        rise = curvature * np.exp(place)
        following = place - slope / rise if rise > 0 else np.inf
        if abs(following - place) < 1e-9:
            break
        place = following if low < following < high else (low + high) / 2
    return float(np.exp(place)) / spread


def shrinkage(loss_at: Callable[[float], float], wanted: float) -> float:
    """The factor of scores, at most 1, at which their loss is `wanted`; 1 where it is no lower than that, or where even
    scores of nothing would not lose as much."""

    def excess(power: float) -> float:
        return loss_at(float(np.exp(power))) - wanted

    if excess(0.0) >= 0 or excess(-12.0) <= 0:
        return 1.0
    from scipy.optimize import brentq

    return float(np.exp(brentq(excess, -12.0, 0.0, xtol=1e-4)))


def fit_platt(scores: ArrayLike, targets: ArrayLike) -> tuple[float, float]:
    """(slope, offset) such that sigmoid(slope * score + offset) is the probability of a positive; slope >= 0.

    scores (N,), targets (N,) of 0 and 1. Maximum likelihood with the regularised targets of Platt 1999,
    (N+ + 1) / (N+ + 2) and 1 / (N- + 2), by the damped Newton method of Lin, Lin and Weng 2007.
    """
    given = np.asarray(scores, dtype=np.float64)
    truth = np.asarray(targets, dtype=np.float64)
    binary = bool(np.isin(truth, (0.0, 1.0)).all()) and bool(np.isfinite(given).all())
    if given.ndim != 1 or given.shape != truth.shape or not len(given) or not binary:
        raise HeadstartError(
            f"Platt scaling needs finite scores (N,), not {given.shape}, and one target of 0 or 1 for each, "
            f"not {truth.shape}."
        )
    positives = float(truth.sum())
    wanted = np.where(truth > 0, (positives + 1) / (positives + 2), 1 / (len(truth) - positives + 2))
    base = float(np.log(wanted.mean() / (1 - wanted.mean())))
    centre, spread = float(given.mean()), float(given.std())
    if spread <= 1e-12 * max(1.0, abs(centre)):
        return 0.0, base
    design = np.stack([(given - centre) / spread, np.ones(len(given))], axis=1)

    def loss(line: FloatArray) -> float:
        margin = design @ line
        return float(np.mean(np.logaddexp(0.0, margin) - wanted * margin))

    line = np.array([0.0, base])
    for _ in range(100):
        probability = sigmoid(design @ line)
        gradient = design.T @ (probability - wanted) / len(wanted)
        if np.abs(gradient).max() < 1e-10:
            break
        curvature = (design.T * (probability * (1 - probability))) @ design / len(wanted) + 1e-12 * np.eye(2)
        step, now, size = np.linalg.solve(curvature, gradient), loss(line), 1.0
        while size > 1e-10 and loss(line - size * step) > now - 1e-4 * size * float(gradient @ step):
            size /= 2
        line = line - size * step
    if line[0] <= 0:  # the loss is convex, so with slope >= 0 the best slope is 0
        return 0.0, base
    slope = float(line[0]) / spread
    return slope, float(line[1]) - slope * centre


def calibration_error(probabilities: ArrayLike, labels: ArrayLike, bins: int = 15) -> float:
    """Expected calibration error of the top label: mean |accuracy - confidence| over bins of equal mass.

    probabilities (N, K), labels (N,). Naeini et al. 2015, with equal-mass bins (Nixon et al. 2019).
    """
    found = reliability(probabilities, labels, bins)
    items = sum(part.count for part in found)
    return sum(part.count * abs(part.accuracy - part.confidence) for part in found) / items


def reliability(probabilities: ArrayLike, labels: ArrayLike, bins: int = 10) -> list[Bin]:
    """Bins of equal mass, from the least to the most confident; at most one bin an example.

    Examples of equal confidence share their accuracy, so the order of the examples does not matter.
    """
    given, truth = _as_scores(probabilities, labels)
    if bins < 1:
        raise HeadstartError(f"Reliability needs at least one bin, not {bins}.")
    confidence = given.max(axis=1)
    right = (given.argmax(axis=1) == truth).astype(np.float64)
    levels, place, counts = np.unique(confidence, return_inverse=True, return_counts=True)
    shared = np.bincount(place, weights=right) / counts
    order = np.sort(place)
    parts: list[NDArray[np.int64]] = np.array_split(order, min(bins, len(order)))
    return [Bin(float(levels[part].mean()), float(shared[part].mean()), len(part)) for part in parts]


def _as_scores(scores: ArrayLike, labels: ArrayLike) -> tuple[FloatArray, IntArray]:
    given = np.asarray(scores, dtype=np.float64)
    if given.ndim != 2 or not given.size or not np.isfinite(given).all():
        raise HeadstartError(f"Scores must be finite, of shape (N, K) and not empty; got {given.shape}.")
    return given, as_labels(labels, len(given), given.shape[1])
