"""Measures of forecasts, window by window, so that intervals can be drawn from them.

Values to be told are (N, H), nan where missing; forecasts (N, Q, H) of Q rising quantiles.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from headstart.measure.linear import FloatArray

LEVELS = (0.1, 0.5, 0.9)
COMPARED = 4000
"""Examples, evenly spread, by which ways to combine forecasts are compared."""
FEW_PERIODS = 2
"""Of time, from which the best way to combine forecasts is taken half-way."""


@dataclass(frozen=True, eq=False)
class Ratio:
    """The weighted sum of one value (N,) an item over that of another; less it from one, where `is_skill`."""

    above: FloatArray
    below: FloatArray
    is_skill: bool = False

    def __call__(self, weights: FloatArray) -> FloatArray:
        above, below = weights @ self.above, weights @ self.below
        found = np.full(len(above), np.nan)
        np.divide(above, below, out=found, where=below > 0)
        return 1 - found if self.is_skill else found


def mean_there(values: FloatArray) -> FloatArray:
    """(N,): the mean over the values (N, …) that are there; 0 where none is."""
    flat = values.reshape(len(values), -1)
    there = ~np.isnan(flat)
    return np.asarray(np.where(there, flat, 0.0).sum(axis=1) / np.maximum(there.sum(axis=1), 1))


def absolute_error(truth: FloatArray, told: FloatArray) -> FloatArray:
    """(N,) mean |y - f| of forecasts (N, H)."""
    return mean_there(np.abs(truth - told))


def squared_error(truth: FloatArray, told: FloatArray) -> FloatArray:
    return mean_there((truth - told) ** 2)


def symmetric_error(truth: FloatArray, told: FloatArray) -> FloatArray:
    """(N,) sMAPE as the M competitions take it (Makridakis 1993): 2 |y - f| / (|y| + |f|), from 0 to 2."""
    size = np.abs(truth) + np.abs(told)
    return mean_there(2 * np.abs(truth - told) / np.where(size > 0, size, 1.0))


def pinball(truth: FloatArray, told: FloatArray) -> FloatArray:
    """(N,) quantile loss (Koenker and Bassett 1978), mean over the quantiles LEVELS and over steps, doubled: for the
    middle alone it would be the absolute error."""
    apart = truth[:, None, :] - told
    level = np.array(LEVELS)[None, :, None]
    return 2 * mean_there(np.maximum(level * apart, (level - 1) * apart))


def best_shares(told: FloatArray, truth: FloatArray, weights: FloatArray) -> FloatArray:
    """(M,): shares, adding up to one, by which forecasts (M, N, H) have to be combined for the least weighted absolute
    error of `truth` (N, H), in steps of a tenth: from the best single one, a tenth goes from one to another for as long
    as that helps. The error is convex, so few ways are tried."""
    rows = np.linspace(0, len(truth) - 1, min(len(truth), COMPARED)).astype(int)
    some, wanted, weight = told[:, rows], truth[rows], weights[rows]

    @functools.cache
    def error(tenths: tuple[int, ...]) -> float:
        return float(weight @ np.abs(np.tensordot(np.array(tenths) / 10, some, 1) - wanted).mean(axis=1))

    def moved(tenths: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        for giver, taker in itertools.permutations(range(len(tenths)), 2):
            if tenths[giver]:
                yield tuple(share - (place == giver) + (place == taker) for place, share in enumerate(tenths))

    best = min((tuple(row) for row in (10 * np.eye(len(told), dtype=int)).tolist()), key=error)
    while (better := min(moved(best), key=error, default=best)) and error(better) < error(best):
        best = better
    return np.array(best) / 10


def steady_shares(told: FloatArray, truth: FloatArray, weights: FloatArray, periods: float) -> FloatArray:
    """(M,): `best_shares`, drawn to shares by the inverse of squared errors (Bates and Granger 1969), the more so the
    fewer `periods`, as long as what is told, the examples are from: what moved all series in one of them was luck."""
    errors = np.abs(told - truth).mean(axis=2) @ weights
    inverse = 1 / np.maximum(errors, 1e-12 * errors.max()) ** 2 if errors.any() else np.ones(len(errors))
    drawn = FEW_PERIODS / (FEW_PERIODS + periods)
    return np.asarray((1 - drawn) * best_shares(told, truth, weights) + drawn * inverse / inverse.sum())


def covered(truth: FloatArray, told: FloatArray) -> FloatArray:
    """(N,) share of values within the outermost quantiles."""
    inside = ((truth >= told[:, 0]) & (truth <= told[:, -1])).astype(np.float64)
    return mean_there(np.where(np.isnan(truth), np.nan, inside))
