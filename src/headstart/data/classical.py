"""What is told of a series by itself, without any network: the last season again, and the Theta method (Assimakopoulos
and Nikolopoulos 2000), which won the M3 competition, as exponential smoothing with half the trend (Hyndman and Billah
2003)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from headstart.data.windows import seasonal_naive

FloatArray = NDArray[np.float64]
NAMES = ("Theta", "the last season again")
SMOOTHINGS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99)
"""Of which the one with the lowest squared error one step ahead is taken."""
SMALLEST = 0.05
"""A share of the level below which a season is added, not multiplied."""
CONFIDENCE = 1.645
"""Normal quantile (90 %, two-sided) of the test for a season."""


def classical_forecasts(values: FloatArray, level: float, horizon: int, season: int) -> FloatArray:
    """(2 horizon,): what Theta and the last season say comes after `values` (T,), deviations from `level`."""
    theta = theta_forecast(values + level, horizon, season) - level
    return np.concatenate([theta, seasonal_naive(values, horizon, season)])


def theta_forecast(values: FloatArray, horizon: int, season: int) -> FloatArray:
    """(horizon,): what comes after `values` (T,), whose season, where they have one, is taken out and put back."""
    steps = np.arange(len(values) + horizon)
    seasons, multiplied = seasonal_parts(values, season)
    whole = seasons[steps % len(seasons)]
    even = values / whole[: len(values)] if multiplied else values - whole[: len(values)]
    told = _without_season(even, horizon)
    return told * whole[len(values) :] if multiplied else told + whole[len(values) :]


def seasonal_parts(values: FloatArray, season: int) -> tuple[FloatArray, bool]:
    """The parts (season,) of a classical decomposition, from the first value's on, and whether they are factors rather
    than terms; a single 0 where there is no season."""
    if not _has_season(values, season):
        return np.zeros(1), False
    wide = season + 1 - season % 2
    shares = np.full(wide, 1 / season)
    shares[[0, -1]] = 1 / season if season % 2 else 0.5 / season
    trend = np.convolve(values, shares, "valid")
    inner = values[wide // 2 :][: len(trend)]
    place = (np.arange(len(trend)) + wide // 2) % season
    if values.min() > 0:
        factors = np.bincount(place, inner / trend) / np.bincount(place)
        factors /= factors.mean()
        if factors.min() > SMALLEST:
            return factors, True
    terms = np.bincount(place, inner - trend) / np.bincount(place)
    return terms - terms.mean(), False


def _has_season(values: FloatArray, season: int) -> bool:
    """Whether values a season apart agree more than chance (Bartlett's error of a correlation) would have it."""
    apart = values - values.mean()
    whole = float(apart @ apart)
    if season < 2 or len(values) < 2 * season + 2 or whole <= 0:
        return False
    found = np.array([apart[lag:] @ apart[:-lag] for lag in range(1, season + 1)]) / whole
    error = np.sqrt((1 + 2 * float((found[:-1] ** 2).sum())) / len(values))
    return bool(abs(found[-1]) > CONFIDENCE * error)


def _without_season(values: FloatArray, horizon: int) -> FloatArray:
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
