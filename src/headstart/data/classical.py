"""What is told of a series by itself, without any network: the last season again; the Theta method (Assimakopoulos and
Nikolopoulos 2000), which won the M3 competition, as exponential smoothing with half the trend (Hyndman and Billah
2003); and exponential smoothing with a damped trend (Gardner and McKenzie 1985)."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from headstart.data.windows import seasonal_naive

FloatArray = NDArray[np.float64]
Method = Callable[[FloatArray, int], FloatArray]
"""What comes (horizon,) after values (T,) that have no season."""
NAMES = ("Theta", "a damped trend", "the last season again")
SMOOTHINGS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99)
"""Of which the one with the lowest squared error one step ahead is taken."""
DAMPED = tuple(itertools.product((0.1, 0.3, 0.6, 0.9), (0.05, 0.2), (0.8, 0.9, 0.98)))
"""Likewise of these: shares of an error by which the level follows, of that by which the trend does, and of the trend
that is there one step later."""
FIRST = 12
"""Values, the line through which is level and trend to begin with."""
SMALLEST = 0.05
"""A share of the level below which a season is added, not multiplied."""


def classical_forecasts(values: FloatArray, level: float, horizon: int, season: int) -> FloatArray:
    """(3 horizon,): what NAMES say comes after `values` (T,), deviations from `level`."""
    told = _beside_season(values + level, horizon, season, (_half_trend, _damped_trend)) - level
    return np.concatenate([*told, seasonal_naive(values, horizon, season)])


def theta_forecast(values: FloatArray, horizon: int, season: int) -> FloatArray:
    """(horizon,): what comes after `values` (T,), whose season, where they have one, is taken out and put back."""
    return np.asarray(_beside_season(values, horizon, season, (_half_trend,))[0])


def _beside_season(values: FloatArray, horizon: int, season: int, methods: Sequence[Method]) -> FloatArray:
    """(methods, horizon): what each says of `values` (T,) without their season, with that put back."""
    steps = np.arange(len(values) + horizon)
    seasons, multiplied = seasonal_parts(values, season)
    whole = seasons[steps % len(seasons)]
    even = values / whole[: len(values)] if multiplied else values - whole[: len(values)]
    told = np.stack([method(even, horizon) for method in methods])
    return np.asarray(told * whole[len(values) :] if multiplied else told + whole[len(values) :])


def seasonal_parts(values: FloatArray, season: int) -> tuple[FloatArray, bool]:
    """The parts (season,) of a classical decomposition, from the first value's on, and whether they are factors rather
    than terms; a single 0 where there is no season. No test says whether there is one: parts are the smaller, the more
    of them may be luck (Miller and Williams 2003)."""
    if season < 2 or len(values) < 2 * season + 2:
        return np.zeros(1), False
    wide = season + 1 - season % 2
    shares = np.full(wide, 1 / season)
    shares[[0, -1]] = 1 / season if season % 2 else 0.5 / season
    trend = np.convolve(values, shares, "valid")
    inner = values[wide // 2 :][: len(trend)]
    place = (np.arange(len(trend)) + wide // 2) % season
    if values.min() > 0:
        factors = 1 + _shrunken(inner / trend, place)
        if factors.min() > SMALLEST:
            return factors, True
    return _shrunken(inner - trend, place), False


def _shrunken(values: FloatArray, place: NDArray[np.int64]) -> FloatArray:
    """(season,): means of the values (T,) at each place, less that of all, times the share of their variance that the
    values' own within each place does not explain (an estimator of James and Stein's kind)."""
    counts = np.bincount(place)
    means = np.bincount(place, values) / counts
    within = values - means[place]
    luck = float(within @ within) / max(1, len(values) - len(counts)) * float(np.mean(1 / counts))
    terms = means - means.mean()
    spread = float(terms @ terms) / (len(counts) - 1)
    return np.asarray(terms * (max(0.0, 1 - luck / spread) if spread > 0 else 0.0))


def _half_trend(values: FloatArray, horizon: int) -> FloatArray:
    """The level of exponential smoothing, and from there half the slope of the line through all values."""
    from scipy.signal import lfilter

    steps = np.arange(len(values)) - (len(values) - 1) / 2
    slope = float(steps @ values) / max(float(steps @ steps), 1e-12)
    best = np.inf
    for share in SMOOTHINGS:
        levels, _ = lfilter([share], [1, share - 1], values, zi=[(1 - share) * values[0]])
        error = float(((values[1:] - levels[:-1]) ** 2).sum())
        if error < best:
            best, level, smoothing = error, float(levels[-1]), share
    lag = (1 - (1 - smoothing) ** len(values)) / smoothing - 1
    return np.asarray(level + slope / 2 * (np.arange(1, horizon + 1) + lag))


def _damped_trend(values: FloatArray, horizon: int) -> FloatArray:
    """The level, and a trend that fades. Errors one step ahead are what a linear filter makes of the values: with
    shares a, a b and p they follow from those before by e_t = (1 - B)(1 - p B) y_t - (a + p a b - 1 - p) e_{t-1}
    - (1 - a) p e_{t-2}."""
    from scipy.signal import lfilter

    first = values[:FIRST]
    trend, level = np.polyfit(np.arange(len(first)), first, 1) if len(first) > 1 else (0.0, values[0])
    level -= trend
    least = np.inf
    for follow, share, damping in DAMPED:
        turn = follow * share
        start = [-(level + damping * trend), damping * level]
        after = [1, follow + damping * turn - 1 - damping, (1 - follow) * damping]
        errors, _ = lfilter([1, -1 - damping, damping], after, values, zi=start)
        if errors @ errors < least:
            least, best, last = errors @ errors, (follow, turn, damping), errors
    follow, turn, damping = best
    trends, _ = lfilter([turn], [1, -damping], last, zi=[damping * trend])
    level = values[-1] - (1 - follow) * last[-1]
    return np.asarray(level + trends[-1] * np.cumsum(damping ** np.arange(1, horizon + 1)))
