"""Examples of forecasting: a stretch of the past, and what came after it. Parts never overlap in what is to be told."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

FIELDS = ("time", "level", "scale", "unit", "mean", "deviation", "naive", "season")
"""What stands behind the values to be told in the cell of a window's label: its first step, counted from the first one
to be tested on; level and scale of its past, the mean
error of seasonal naive forecasts within the training part of its series (Hyndman and Koehler 2006), mean and deviation
of that part, the mean error of a seasonal naive forecast of this window, and the season."""
MARKS = ("event", "place")
"""What stands ahead of that where every step is an example: the number of the event that the step is part of (0: none),
and its place among the steps of all series, neighbours one apart."""
COMING = "coming"
"""The column of a table that holds the times of the steps to be told, where these are known."""
SHORT = 12
"""Steps by which one is judged where the user does not say: itself, and those just before it."""
TRAIN, VALIDATION, TEST = 0, 1, 2
MOST = (20_000, 4_000, 60_000)
"""Windows of each part above which they are taken at every second step, third step, and so on: neighbours differ by a
value at each end."""
FENCE = 1.5
"""Distances of the quartiles beyond these at which a value is unusual."""
LEAST_PAST = 4
"""Steps of the past without which nothing can be told."""
ABOUT_AS_GOOD = 0.03
"""Difference of correlations below which a season may as well be the shorter one."""
PRESENT = 0.5
"""Share of the values to be told that have to be there."""


@dataclass(frozen=True)
class Windows:
    """How series are cut into examples."""

    horizon: int
    """Steps that are told."""
    context: int
    """Steps of the past that are looked at."""
    series: str | None = None
    """Column that tells series apart."""
    value: str | None = None
    """Column(s) of values."""
    season: int | None = None
    """Steps of the season; found when not given."""
    stride: int | None = None
    """Steps from one window to the next; 1, or as many as keep windows below MOST."""
    test: float = 0.25
    validation: float | None = None
    most: int | None = None
    """Windows to learn from; MOST when not given."""
    each_step: bool = False
    """Whether every step is an example: the last of those that are told, which may be marked as part of an event."""
    event: str | None = None
    """Column of these marks, 0 or 1; known by the usual names when not given."""
    known: tuple[str, ...] = ()
    """Columns of what is known ahead of time, such as prices or holidays."""
    seasons_apart: bool = False
    """Whether each series has the season that is found in it, and its pasts say so."""


@dataclass(frozen=True)
class Borders:
    """Steps of one series at which its parts begin and end: train [0, a), validation [a, b), test [b, c)."""

    validation: int
    test: int
    end: int

    def of(self, part: int) -> tuple[int, int]:
        return ((0, self.validation), (self.validation, self.test), (self.test, self.end))[part]


class Past(NamedTuple):
    """A past, and what else is known. To whoever asks for numbers, the past alone."""

    values: NDArray[np.float64]
    """(T,)"""
    known: NDArray[np.float64]
    """(T + H, C) of its steps and of those that are to be told, where something is known ahead of time."""
    season: int
    """Its steps; 0 where it is to be found."""

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        del copy
        return self.values.astype(dtype or np.float64)


def season_of(content: Any) -> int:
    """Steps of the season of a past: as it says, or as found in it."""
    told = content.season if isinstance(content, Past) else 0
    return told or find_season([np.asarray(content, np.float64)])


def known_ahead(content: Any) -> NDArray[np.float64]:
    """(H C,) what is known of the steps to be told, in deviations from what was so of the past; empty where nothing
    is."""
    if not isinstance(content, Past) or not content.known.size:
        return np.empty(0)
    behind, ahead = np.split(content.known, [len(content.values)])
    spread = behind.std(axis=0)
    return np.asarray(((ahead - behind.mean(axis=0)) / np.where(spread > 0, spread, 1.0)).ravel())


class Pasts(Sequence[Any]):
    """Stretches of series: the values of each lie in memory once, however many windows look at them.

    Args:
        known: of each series (T, C), where something is known ahead of time, with the `horizon` of what is told.
        seasons: of each series, where each has its own.
    """

    def __init__(
        self,
        values: Sequence[NDArray[np.float64]],
        places: NDArray[np.int64],
        context: int,
        known: Sequence[NDArray[np.float64]] = (),
        horizon: int = 0,
        seasons: Sequence[int] = (),
    ) -> None:
        self._values, self._places, self._context = values, places, context
        self._known, self._ahead, self._seasons = known, horizon, seasons

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, row: Any) -> Any:
        """(T,): up to `context` values ahead of a window's first step."""
        series, start = self._places[row]
        first = max(0, start - self._context)
        past = self._values[series][first:start]
        if not self._known and not self._seasons:
            return past
        known = self._known[series][first : start + self._ahead] if self._known else np.empty((0, 0))
        return Past(past, known, self._seasons[series] if self._seasons else 0)

    def only(self, rows: NDArray[np.bool_]) -> Self:
        """Those of the windows (N,) where `rows` is true."""
        other = copy.copy(self)
        other._places = self._places[rows]
        return other


class Step:
    """The latest steps, to be judged by what went ahead of them: to whoever tells what comes next, that alone, and of
    it only what is usual there. An earlier anomaly would else be told to come again."""

    def __init__(self, past: NDArray[np.float64], now: NDArray[np.float64]) -> None:
        self.past, self.now = past, now

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """The past (T,), nan where a value lies beyond the fences of a box plot (Tukey 1977)."""
        del copy
        low, high = np.nanquantile(self.past, (0.25, 0.75))
        reach = FENCE * (high - low)
        usual = (self.past >= low - reach) & (self.past <= high + reach)
        return np.where(usual | (reach == 0), self.past, np.nan).astype(dtype)


class Steps(Pasts):
    """Pasts, each with the values of the `horizon` steps after it."""

    def __init__(
        self, values: Sequence[NDArray[np.float64]], places: NDArray[np.int64], context: int, horizon: int
    ) -> None:
        super().__init__(values, places, context)
        self._horizon = horizon

    def __getitem__(self, row: Any) -> Any:
        series, start = self._places[row]
        return Step(super().__getitem__(row), self._values[series][start : start + self._horizon])


def starts(borders: Borders, part: int, horizon: int, least: int) -> NDArray[np.int64]:
    """First steps of the windows whose values to be told lie in one part."""
    first, last = borders.of(part)
    return np.arange(max(first, least), last - horizon + 1, dtype=np.int64)


def thinned(found: Sequence[NDArray[np.int64]], most: int, stride: int | None, season: int) -> tuple[int, list[Any]]:
    """The stride, and of each series' starts every so many, the last one always: a stride that has no divisor in common
    with the season meets every phase of it."""
    total = sum(map(len, found))
    step = stride or max(1, math.ceil(total / most))
    if stride is None and step > 1:
        while season > 1 and math.gcd(step, season) > 1:
            step += 1
    return step, [one[::-1][::step][::-1] for one in found]


def find_season(values: Sequence[NDArray[np.float64]]) -> int:
    """The lag, of those that seasons usually have, at which changes of the training parts agree best with themselves;
    the shortest that is about as good, since they agree at its multiples too; 1 where they do not (a correlation below
    0.3)."""
    lags = (4, 5, 7, 12, 24, 48, 52, 96, 144, 168, 288)
    found = {lag: [] for lag in lags}  # type: dict[int, list[float]]
    for one in values[:200]:
        changes = np.diff(one[-4000:])
        changes = np.where(np.isnan(changes), 0.0, changes - np.nanmean(changes) if len(changes) else 0.0)
        spread = float(changes @ changes)
        for lag in lags:
            if len(changes) >= 3 * lag and spread > 0:
                found[lag].append(float(changes[lag:] @ changes[:-lag]) / spread)
    means = {lag: float(np.mean(each)) for lag, each in found.items() if each}
    best = max(means.values(), default=0.0)
    return min(lag for lag in means if means[lag] >= best - ABOUT_AS_GOOD) if best > 0.3 else 1


def seasonal_naive(past: NDArray[np.float64], horizon: int, season: int) -> NDArray[np.float64]:
    """(horizon,): the last season again and again; the last value where the past (T,) is shorter than a season."""
    season = season if len(past) >= season else 1
    return past[len(past) - season + np.arange(horizon) % season]


def naive_error(values: NDArray[np.float64], season: int) -> float:
    """Mean absolute difference of values (T,) that are a season apart; of neighbours, where that is nothing."""
    for lag in dict.fromkeys((season, 1)):
        apart = np.abs(values[lag:] - values[:-lag])
        error = float(np.nanmean(apart)) if np.isfinite(apart).any() else 0.0
        if error > 0:
            return error
    return 0.0
