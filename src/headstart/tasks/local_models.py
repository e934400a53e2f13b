"""What people of the field fit to each series by itself: a linear model of the past, Theta, exponential smoothing."""

from __future__ import annotations

import importlib.util
import itertools
import time
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from headstart.data.classical import NAMES, classical_forecasts
from headstart.data.modalities.series import past
from headstart.data.windows import known_ahead
from headstart.measure.blocked import fit_blocked_ridge
from headstart.measure.forecasts import LEVELS
from headstart.measure.linear import FloatArray
from headstart.tasks.baselines import Baseline
from headstart.tasks.predictions import Scores
from headstart.tasks.solving import KnownHead

LIMIT = 120.0
"""Seconds that one of these models may take for all windows of a test; else it is left out, and the receipt says so."""
TIMED = 4
"""Windows by which that is estimated."""
LONGEST_SEASON = 24
"""Steps of a season above which exponential smoothing is not fitted with it, by its library's own rule."""
LIBRARY = "statsforecast"
BLOCK = 4096
SHORT = 0.25
"""Share of the windows whose past may be shorter than what the linear model looks at."""


@dataclass(frozen=True)
class LinearPast(Baseline):
    """A linear model of the last values, level and scale taken out (after Zeng et al. 2023). `scores` (D + 1, K): its
    weights, then its intercept."""

    def answer(self, contents: Iterable[Any], count: int) -> Scores:
        del count
        width = len(self.scores) - 1
        blocks = (with_known(block, width - known_of(block)) for block in chunks_of(contents, BLOCK))
        return np.concatenate([block @ self.scores[:-1] + self.scores[-1] for block in blocks])


def evened(contents: Sequence[Any], width: int) -> FloatArray:
    """(N, width): the last values of each past in deviations from its level; zero ahead of a shorter one."""
    found = np.zeros((len(contents), width))
    for row, content in enumerate(contents):
        values, level, scale = past(content)
        given = (values[-width:] - level) / scale
        found[row, width - len(given) :] = given
    return found


def known_of(contents: Sequence[Any]) -> int:
    """How many numbers are known of the steps to be told."""
    return len(known_ahead(contents[0]))


def with_known(contents: Sequence[Any], width: int) -> FloatArray:
    """(N, width + K): the last values of each past, and what is known of the steps to be told."""
    return np.concatenate([evened(contents, width), np.stack([known_ahead(content) for content in contents])], axis=1)


def chunks_of(contents: Iterable[Any], size: int) -> Iterable[list[Any]]:
    waiting = iter(contents)
    while block := list(itertools.islice(waiting, size)):
        yield block


def linear_past(contents: Sequence[Any], numbers: FloatArray, horizon: int) -> LinearPast:
    """The model fitted to windows (N), with `Forecasting.numbers` of them."""
    wanted, times, weight = numbers[:, :horizon], numbers[:, horizon], numbers[:, -1]
    width = usual_width(contents)
    fitted = fit_blocked_ridge(with_known(contents, width), wanted, weights=weight, times=times, gap=horizon)
    shifts = [np.quantile(wanted - fitted.left_out, level, axis=0) if level != 0.5 else 0.0 for level in LEVELS]
    weights = np.concatenate([np.vstack([fitted.weight, fitted.bias + shift]) for shift in shifts], axis=1)
    return LinearPast("plain", "A linear model of the past, fitted to the training part", weights)


@dataclass(frozen=True)
class Local(Baseline):
    """A model that is fitted to the past of every window anew; `scores` say nothing."""

    horizon: int
    season: int

    def answer(self, contents: Iterable[Any], count: int) -> Scores:
        found = np.empty((count, len(LEVELS), self.horizon))
        for row, content in enumerate(contents):
            found[row] = self.told(content)
        return found.reshape(count, -1)

    def told(self, content: Any) -> FloatArray:
        """(3, H), in deviations from the level of the past; the last value where the past is too short to fit."""
        values, level, scale = past(content)
        scaled = values / scale  # still above 0 where values are: these models take no factors of what is not
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what the library thinks of one of many pasts
                given = self._model(len(values)).forecast(scaled, h=self.horizon, level=[80])
            found = np.stack([given["lo-80"], given["mean"], given["hi-80"]])
        except Exception:  # these models raise any kind of error on pasts that are too short or too even
            found = np.full((len(LEVELS), self.horizon), np.nan)
        return np.where(np.isfinite(found), found, scaled[-1]) - level / scale

    def _model(self, length: int) -> Any:
        from statsforecast.models import AutoETS, DynamicOptimizedTheta

        season = self.season if length >= 2 * self.season + 2 else 1
        if self.name == "theta":
            return DynamicOptimizedTheta(season_length=season)
        return AutoETS(season_length=season if season <= LONGEST_SEASON else 1)


@dataclass(frozen=True)
class Combined(Baseline):
    """What is classical and a linear model of the past. `scores` (3 H + D + 1, K): weights, then the intercept."""

    horizon: int
    season: int

    def answer(self, contents: Iterable[Any], count: int) -> Scores:
        del count
        width = len(self.scores) - 1 - len(NAMES) * self.horizon
        return np.concatenate(
            [
                beside_classical(block, width - known_of(block), self.horizon, self.season) @ self.scores[:-1]
                + self.scores[-1]
                for block in chunks_of(contents, BLOCK)
            ]
        )


def beside_classical(contents: Sequence[Any], width: int, horizon: int, season: int) -> FloatArray:
    """(N, 3 H + width + K): what `classical_forecasts` says of each past, and what `with_known` gives."""
    told = []
    for content in contents:
        values, level, scale = past(content)
        told.append(classical_forecasts((values - level) / scale, level / scale, horizon, season))
    return np.concatenate([np.stack(told), with_known(contents, width)], axis=1)


def classical_heads(horizon: int, width: int) -> list[KnownHead]:
    """What is classical, as heads on `beside_classical`, which is so wide."""
    found = []
    for place, name in enumerate(NAMES):
        weight = np.zeros((width, len(LEVELS) * horizon))
        weight[place * horizon :][:horizon] = np.tile(np.eye(horizon), len(LEVELS))
        found.append((name, weight, np.zeros(weight.shape[1])))
    return found


def usual_width(contents: Sequence[Any]) -> int:
    """How many of the last values a linear model looks at."""
    return int(np.quantile([len(np.ravel(content)) for content in contents], SHORT))


def local_models(horizon: int, season: int, sample: Sequence[Any], windows: int) -> tuple[list[Baseline], list[str]]:
    """Theta and AutoETS, and sentences about what is left out.

    Args:
        sample: a few pasts.
        windows: how many will be asked for.
    """
    if importlib.util.find_spec(LIBRARY) is None:
        return [], ["AutoETS, which people of the field would try, was not run: pip install 'headstart[series]'."]
    kept: list[Baseline] = []
    left_out = []
    for name, title in (("theta", "Theta, fitted to every past"), ("ets", "AutoETS, fitted to every past")):
        model = Local(name, title, np.zeros((1, 1)), horizon, season)
        model.told(sample[0])  # compiled when it is first called
        start = time.perf_counter()
        for content in sample[:TIMED]:
            model.told(content)
        each = (time.perf_counter() - start) / len(sample[:TIMED])
        if each * windows <= LIMIT:
            kept.append(model)
        else:
            left_out.append(
                f"{title.split(',')[0]} was not run: {windows:,} windows at about {each:.2g} s each are too many."
            )
    return kept, left_out
