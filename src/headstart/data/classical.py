"""What is told of a series by itself, without any network: the Theta method (Assimakopoulos and Nikolopoulos 2000),
which won the M3 competition, as exponential smoothing with half the trend (Hyndman and Billah 2003); exponential
smoothing with a damped trend (Gardner and McKenzie 1985); complex exponential smoothing (Svetunkov, Kourentzes and Ord
2022), whose level may fade by shares of itself; and the last season again.

Each kind of smoothing makes errors of values by e_t = y_t - f y_{t-1} + g y_{t-2} - m e_{t-1} - n e_{t-2}, without
errors ahead of the first value and with two values there that its state is said to come from. Of several such rules
(f, g, m, n) the one with the lowest squared error one step ahead tells what comes.
"""

from __future__ import annotations

import functools
import itertools

import numpy as np
from numpy.typing import NDArray

from headstart.core import fingerprints
from headstart.core.recent import Recent
from headstart.data.windows import seasonal_naive

FloatArray = NDArray[np.float64]
NAMES = ("Theta", "a damped trend", "complex smoothing", "the last season again")
SMOOTHINGS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99)
"""Shares of an error by which a level follows."""
DAMPED = tuple(itertools.product((0.1, 0.3, 0.6, 0.9), (0.05, 0.2), (0.8, 0.9, 0.98)))
"""Shares of an error by which the level follows, of that by which the trend does, and of the trend that is there one
step later."""
COMPLEX = tuple(itertools.product((1.1, 1.4, 1.8), (0.985, 0.995, 1.0)))
"""The real and the imaginary part of the share by which a complex level follows; with the latter 1 it is simple
smoothing by the former less 1, below that it fades, where values are above 0 and so can. None lets it grow: what grew
did so no longer, more often than not."""
KINDS = (
    [(1, 0, share - 1, 0) for share in SMOOTHINGS],
    [(1 + p, p, a + a * b * p - 1 - p, (1 - a) * p) for a, b, p in DAMPED],
    [(2 - a, 2 - a - b, 2 * a - b - 2, (1 - a) * (1 - a + b) + (1 - b) * (1 - a - b)) for a, b in COMPLEX],
)
RULES = np.concatenate(KINDS)
"""(45, 4)."""
FADES = np.array([False] * (len(SMOOTHINGS) + len(DAMPED)) + [imaginary < 1 for _, imaginary in COMPLEX])
"""(45,)."""
FIRST = 12
"""Values, the line through which is level and trend to begin with."""
LONGEST = 4096
"""Latest values that are smoothed: of those before, nothing is left."""
FADING = 0.85
"""A season counts for so much of what the next one does."""
RECENT = 64_000_000
"""Bytes of forecasts that are kept."""
SMALLEST = 0.05
"""A share of the level below which a season is added, not multiplied."""

_recent = Recent(RECENT)


def classical_forecasts(values: FloatArray, level: float, horizon: int, season: int) -> NDArray[np.float32]:
    """(4 horizon,): what NAMES say comes after `values` (T,), deviations from `level`. Every pass over the same windows
    asks for the same."""

    def told() -> NDArray[np.float32]:
        smoothed = smoothed_forecasts(values + level, horizon, season) - level
        return np.concatenate([*smoothed, seasonal_naive(values, horizon, season)]).astype(np.float32)

    return _recent.get(f"{fingerprints.of_bytes(values.tobytes())} {level} {horizon} {season}", told)


def theta_forecast(values: FloatArray, horizon: int, season: int) -> FloatArray:
    """(horizon,): what Theta says comes after `values` (T,)."""
    return np.asarray(smoothed_forecasts(values, horizon, season)[0])


def smoothed_forecasts(values: FloatArray, horizon: int, season: int) -> FloatArray:
    """(3, horizon): what the first of NAMES say comes after `values` (T,), whose season, where they have one, is taken
    out and put back."""
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
    """(season,): means of the values (T,) at each place, where those of each season before count for FADING of those
    after, less that of all, times the share of their variance that the values' own within each place does not explain
    (an estimator of James and Stein's kind)."""
    season = int(place.max()) + 1
    weights = FADING ** (np.arange(len(values) - 1, -1, -1) / season)
    totals = np.bincount(place, weights)
    means = np.bincount(place, weights * values) / totals
    uncertain = np.bincount(place, weights**2) / totals**2
    within = weights @ (values - means[place]) ** 2 / max(float(totals @ (1 - uncertain)), 1e-12)
    terms = means - means.mean()
    spread = float(terms @ terms) / (season - 1)
    return np.asarray(terms * (max(0.0, 1 - within * uncertain.mean() / spread) if spread > 0 else 0.0))


def _without_season(values: FloatArray, horizon: int) -> FloatArray:
    """(3, horizon): the level of exponential smoothing, and from there half the slope of the line through all values;
    level and trend, which fades; and a complex level."""
    slope = _slope(values)
    values = values[-LONGEST:]
    first = values[:FIRST]
    mean, trend = first.mean(), _slope(first)
    line = mean - trend * (len(first) + 1) / 2  # one step ahead of the first value
    origins = [[values[0]] * 2, [line - trend, line], [mean] * 2]
    before = np.repeat(origins, [len(kind) for kind in KINDS], axis=0)
    best = _best(values, before)
    told = _ahead(values, before[best], best, horizon)
    smoothing = SMOOTHINGS[best[0]]
    lag = (1 - (1 - smoothing) ** len(values)) / smoothing - 1
    told[0] += slope / 2 * (np.arange(1, horizon + 1) + lag)
    return told


def _slope(values: FloatArray) -> float:
    """Of the line through the values."""
    steps = np.arange(len(values)) - (len(values) - 1) / 2
    return float(steps @ values) / max(float(steps @ steps), 1e-12)


def _best(values: FloatArray, before: FloatArray) -> list[int]:
    """Of each of KINDS the place in RULES of the one with the lowest squared error on the values (T,), the two ahead of
    them being `before` (45, 2). Errors are what linear filters make of the values, so all come of one Fourier
    transform, in single precision."""
    from scipy import fft

    of_values, of_origins = _filters(2 ** (len(values) - 1).bit_length())
    unit = np.abs(values).max() or 1.0
    level, values, before = values[0] / unit, values / unit, before / unit
    even = (values - level).astype(np.float32)
    origins = np.column_stack([before - level, np.full(len(before), level)]).astype(np.float32)
    errors = fft.irfft(fft.rfft(even, 2 * of_origins.shape[2]) * of_values)[:, : len(values)]
    for origin, response in zip(origins.T, of_origins, strict=True):
        errors += origin[:, None] * response[:, : len(values)]
    squares = np.einsum("kt,kt->k", errors, errors)
    if values.min() <= 0:
        squares[FADES] = np.inf
    ends = np.cumsum([len(kind) for kind in KINDS]).tolist()
    return [begin + int(squares[begin:end].argmin()) for begin, end in itertools.pairwise([0, *ends])]


@functools.cache
def _filters(length: int) -> tuple[NDArray[np.complex64], NDArray[np.float32]]:
    """For each of RULES the filter from values to errors, as its transform (45, length + 1), and the errors (3, 45,
    length) that follow from a 1 as the first of the two values before, as the second, and as the level of all."""
    from scipy import fft

    single = _responses(RULES[:, 2:], length)
    later = np.pad(single, ((0, 0), (2, 0)))
    f, g = RULES[:, :1], RULES[:, 1:2]
    of_values = single - f * later[:, 1:-1] + g * later[:, :-2]
    of_origins = np.stack([g * single, g * later[:, 1:-1] - f * single, (1 - f + g) * single.cumsum(axis=1)])
    return fft.rfft(of_values.astype(np.float32), 2 * length), of_origins.astype(np.float32)


def _ahead(values: FloatArray, before: FloatArray, rules: list[int], horizon: int) -> FloatArray:
    """(K, horizon): what comes by such of RULES after values (T,), the two ahead of them being `before` (K, 2), if no
    more errors do."""
    from scipy.signal import lfilter

    told: list[FloatArray] = []
    for rule, comes in zip(rules, _values_ahead(horizon)[rules], strict=True):
        (f, g, m, n), (earlier, later) = RULES[rule], before[len(told)]
        _, rest = lfilter([1, -f, g], [1, m, n], values, zi=[g * earlier - f * later, g * later])
        told.append(-rest[0] * comes[1:] - rest[1] * comes[:-1])  # less what is known of the next two errors
    return np.stack(told)


@functools.cache
def _values_ahead(horizon: int) -> FloatArray:
    """(45, horizon + 1): a zero, and what by RULES comes of a value of 1 as long as there are no errors."""
    return np.pad(_responses(RULES[:, :2] * (-1, 1), horizon), ((0, 0), (1, 0)))


def _responses(shares: FloatArray, length: int) -> FloatArray:
    """(K, length): what x_t = -a x_{t-1} - b x_{t-2} makes of a single 1, for shares a, b (K, 2)."""
    from scipy.signal import lfilter

    single = np.zeros(length)
    single[0] = 1
    return np.stack([lfilter([1], [1, *pair], single) for pair in shares])
