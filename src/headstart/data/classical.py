"""What is told of a series by itself, without any network: the last season again; the Theta method (Assimakopoulos and
Nikolopoulos 2000), which won the M3 competition, as exponential smoothing with half the trend (Hyndman and Billah
2003); and exponential smoothing with a damped trend (Gardner and McKenzie 1985)."""

from __future__ import annotations

import functools
import itertools

import numpy as np
from numpy.typing import NDArray

from headstart.data.windows import seasonal_naive

FloatArray = NDArray[np.float64]
NAMES = ("Theta", "a damped trend", "the last season again")
SMOOTHINGS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99)
"""Of which the one with the lowest squared error one step ahead is taken."""
DAMPED = tuple(itertools.product((0.1, 0.3, 0.6, 0.9), (0.05, 0.2), (0.8, 0.9, 0.98)))
"""Likewise of these: shares of an error by which the level follows, of that by which the trend does, and of the trend
that is there one step later."""
SHARES = np.array([*((follow, 0, 0) for follow in SMOOTHINGS), *DAMPED])
"""Both, (36, 3): with a level alone there is no trend to follow."""
FIRST = 12
"""Values, the line through which is level and trend to begin with."""
LONGEST = 4096
"""Latest values that are smoothed: of those before, nothing is left."""
SMALLEST = 0.05
"""A share of the level below which a season is added, not multiplied."""


def classical_forecasts(values: FloatArray, level: float, horizon: int, season: int) -> FloatArray:
    """(3 horizon,): what NAMES say comes after `values` (T,), deviations from `level`."""
    told = smoothed_forecasts(values + level, horizon, season) - level
    return np.concatenate([*told, seasonal_naive(values, horizon, season)])


def theta_forecast(values: FloatArray, horizon: int, season: int) -> FloatArray:
    """(horizon,): what Theta says comes after `values` (T,)."""
    return np.asarray(smoothed_forecasts(values, horizon, season)[0])


def smoothed_forecasts(values: FloatArray, horizon: int, season: int) -> FloatArray:
    """(2, horizon): what Theta and a damped trend say comes after `values` (T,), whose season, where they have one, is
    taken out and put back."""
    steps = np.arange(len(values) + horizon)
    seasons, multiplied = seasonal_parts(values, season)
    whole = seasons[steps % len(seasons)]
    even = values / whole[: len(values)] if multiplied else values - whole[: len(values)]
    told = _without_season(even, horizon)
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


def _without_season(values: FloatArray, horizon: int) -> FloatArray:
    """(2, horizon): the level of exponential smoothing, and from there half the slope of the line through all values;
    and level and trend, which fades."""
    ahead, slope = np.arange(1, horizon + 1), _slope(values)
    values = values[-LONGEST:]
    first = values[:FIRST]
    trend = _slope(first)
    start = first.mean() - trend * (len(first) + 1) / 2  # of the step before
    levels = np.repeat([values[0], start], [len(SMOOTHINGS), len(DAMPED)])
    errors = _errors(values, levels, np.where(SHARES[:, 2] > 0, trend, 0.0))
    squares = np.square(errors).sum(axis=1)
    half, damped = int(squares[: len(SMOOTHINGS)].argmin()), len(SMOOTHINGS) + int(squares[len(SMOOTHINGS) :].argmin())
    follow, share, damping = SHARES[damped]
    ends = values[-1] - (1 - SHARES[[half, damped], 0]) * errors[[half, damped], -1]
    faded = damping ** np.arange(len(values), -1.0, -1)
    last = follow * share * float(errors[damped] @ faded[1:]) + trend * faded[0]
    smoothing = SHARES[half, 0]
    lag = (1 - (1 - smoothing) ** len(values)) / smoothing - 1
    return np.stack([ends[0] + slope / 2 * (ahead + lag), ends[1] + last * np.cumsum(damping**ahead)])


def _slope(values: FloatArray) -> float:
    """Of the line through the values."""
    steps = np.arange(len(values)) - (len(values) - 1) / 2
    return float(steps @ values) / max(float(steps @ steps), 1e-12)


def _errors(values: FloatArray, levels: FloatArray, trends: FloatArray) -> FloatArray:
    """(36, T): errors one step ahead of exponential smoothing with SHARES, from levels and trends (36,) before the
    first of the values (T,). They are what linear filters make of the values, so all come of one Fourier transform."""
    from scipy import fft

    length = 2 ** (2 * len(values) - 1).bit_length()
    of_values, of_state = _filters(length)
    even, begun = values - values[0], levels - values[0]  # filters take no notice of a level, and numbers stay small
    damping = SHARES[:, 2]
    found = fft.irfft(fft.rfft(even, length) * of_values, length)[:, : len(values)]
    found -= (begun + damping * trends)[:, None] * of_state[:, : len(values)]
    found[:, 1:] += (damping * begun)[:, None] * of_state[:, : len(values) - 1]
    return np.asarray(found)


@functools.cache
def _filters(length: int) -> tuple[NDArray[np.complex128], FloatArray]:
    """For each of SHARES a, b and p, the filter from values to errors, which follow from those before by
    e_t = (1 - B)(1 - p B) y_t - (a + p a b - 1 - p) e_{t-1} - (1 - a) p e_{t-2}: its transform (36, length / 2 + 1),
    and the response (36, length / 2) of errors to one of 1."""
    from scipy import fft
    from scipy.signal import lfilter

    single = np.zeros(length // 2)
    single[0] = 1
    responses = np.stack(
        [
            lfilter([1], [1, follow + damping * follow * share - 1 - damping, (1 - follow) * damping], single)
            for follow, share, damping in SHARES
        ]
    )
    to_values = np.stack(
        [lfilter([1, -1 - damping, damping], [1], row) for (*_, damping), row in zip(SHARES, responses, strict=True)]
    )
    return fft.rfft(to_values, length), responses
