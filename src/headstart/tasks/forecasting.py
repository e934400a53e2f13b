"""What comes next in a series: its next values, with a band in which four of five of them should lie."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from headstart.core.errors import DataError, StrategyError
from headstart.data.classical import theta_forecast
from headstart.data.contents import Told
from headstart.data.modalities.series import past
from headstart.data.windows import FIELDS, seasonal_naive
from headstart.measure import forecasts as measures
from headstart.measure.blocked import fit_blocked_ridge
from headstart.measure.linear import FloatArray, LinearSolution
from headstart.measure.scores import Mean
from headstart.tasks import local_models
from headstart.tasks.baselines import Baseline
from headstart.tasks.contract import Task
from headstart.tasks.predictions import Metric, Numbers, Predictions, Scores, Targets
from headstart.tasks.presenting import Course
from headstart.tasks.solving import KnownHead

if TYPE_CHECKING:
    import torch

QUANTILES = ("low", "middle", "high")
WEIGHTS = 0.1, 10.0
"""Least and most weight of a window: its scale beside the unit of its series, in which errors are measured, since they
are learned in those of the window."""
MOST = 10.0
"""Deviations from the level of the past beyond which a value to be told is learned from as if it were there."""
DIGITS = 4


@dataclass(frozen=True)
class Forecasting(Task):
    """Targets (N, H + 8): the next H values, nan where missing, and what `headstart.data.windows.FIELDS` says. Scores
    (N, 3 H): quantiles 0.1, 0.5 and 0.9 of them, in deviations from the level of the past."""

    kind: ClassVar[str] = "forecasting"
    reads: ClassVar[Literal["pooled", "places", "ahead"]] = "ahead"
    options: ClassVar[tuple[str, ...]] = ("series", "value", "horizon", "context", "season", "stride", "known")
    reader: ClassVar[str] = "windows"
    looks_ahead: ClassVar[bool] = True
    usual_source: ClassVar[str] = "builtin/series-tiny"
    answers_apart: ClassVar[bool] = False
    goes_on: ClassVar[bool] = True
    solvers: ClassVar[tuple[str, ...]] = ("ridge",)
    plain: ClassVar[str] = ""
    things: ClassVar[str] = "windows"
    known: ClassVar[int] = len(FIELDS)
    """Fields of a target behind the values to be told."""
    farthest: ClassVar[float] = MOST
    primary: str = "skill"

    @classmethod
    def from_labels(cls, label: str, values: Sequence[Any]) -> Forecasting:
        if not values or not isinstance(values[0], np.ndarray):
            raise DataError(
                "Forecasting takes a table of values over time. Say how many steps are to be told with --horizon, and "
                "which columns hold times, series and values with --time, --series and --value."
            )
        horizon = len(values[0]) - cls.known
        return cls(label, tuple(f"+{step} {name}" for name in QUANTILES for step in range(1, horizon + 1)))

    @property
    def horizon(self) -> int:
        return len(self.labels) // len(QUANTILES)

    def encode(self, values: Sequence[Any]) -> Targets:
        found = np.asarray(values, np.float64).reshape(len(values), -1)
        if found.shape[1] != self.horizon + self.known:
            raise DataError(f"Windows tell {found.shape[1] - self.known} steps, and {self.horizon} were learned.")
        return found

    def numbers(self, targets: Targets) -> Numbers:
        """(N, H + 2): the next values in deviations from the level of the past, missing ones on the line between others
        and none farther than MOST; then the window's time and its weight."""
        known = _field(targets, "level"), _field(targets, "scale")
        found = (self.ahead(targets) - known[0][:, None]) / known[1][:, None]
        steps = np.arange(found.shape[1])
        for row in np.flatnonzero(np.isnan(found).any(axis=1)):
            there = ~np.isnan(found[row])
            found[row] = np.interp(steps, steps[there], found[row, there])
        weight = np.clip(known[1] / np.maximum(_unit(targets), 1e-12), *WEIGHTS)
        found = np.clip(found, -self.farthest, self.farthest)
        return np.column_stack([found, _field(targets, "time"), weight])

    def ahead(self, targets: Targets) -> FloatArray:
        """(N, H): the next values."""
        return np.asarray(targets[:, : self.horizon])

    def solve(self, features: NDArray[np.float32], targets: Numbers, solver: str) -> LinearSolution:
        """Ridge regression, its penalty chosen by leaving out blocks of time; the band is where the middle eight tenths
        of the left-out errors lie, step by step."""
        if solver not in ("best", "ridge"):
            raise StrategyError(f"Forecasting has no solver '{solver}'. Known: ridge.")
        return self._banded(targets, self._ridge(features, targets, targets[:, : self.horizon]))

    def _ridge(
        self, features: NDArray[np.float32], targets: Numbers, wanted: FloatArray, reluctant: bool = False
    ) -> LinearSolution:
        times, weights = targets[:, self.horizon], targets[:, -1]
        return fit_blocked_ridge(features, wanted, weights=weights, times=times, gap=self.horizon, reluctant=reluctant)

    def _late(self, targets: Numbers) -> NDArray[np.bool_]:
        """(N,) the later half, whose pasts are most like those of the test."""
        times = targets[:, self.horizon]
        return np.asarray(times >= np.median(times))

    def outlook(self, values: Sequence[Any]) -> tuple[int, int] | None:
        return self.horizon, int(_field(self.encode(values[:1]), "season")[0])

    def solve_from(
        self, features: NDArray[np.float32], targets: Numbers, starts: Sequence[KnownHead]
    ) -> LinearSolution:
        """Ridge regression, where it surely helps, of what a combination of forecasts that are there already lacks:
        shares of them that add up to one, by their absolute errors. What comes of it is combined with them again."""
        middle = slice(self.horizon, 2 * self.horizon)
        wanted, late = targets[:, : self.horizon], self._late(targets)
        told = np.stack([np.asarray(features @ w[:, middle] + b[middle], np.float64) for _, w, b in starts])
        times, weights = targets[late, self.horizon], targets[late, -1]
        periods = 1 + float(np.ptp(times)) / self.horizon
        shares = measures.steady_shares(told[:, late], wanted[late], weights, periods)
        known = np.tensordot(shares, told, 1)
        found = self._ridge(features, targets, wanted - known, reluctant=True)
        both = np.concatenate([(known + found.left_out)[None], told])
        kept, *others = measures.best_shares(both[:, late], wanted[late], weights)
        shares = kept * shares + np.array(others)
        whole = replace(
            found,
            weight=kept * found.weight + sum(s * w[:, middle] for s, (_, w, _) in zip(shares, starts, strict=True)),
            bias=kept * found.bias + sum(s * b[middle] for s, (_, _, b) in zip(shares, starts, strict=True)),
            left_out=kept * found.left_out + np.tensordot(shares, told, 1),
            solver="ridge from " + _combination([title for title, _, _ in starts], shares),
        )
        return self._banded(targets, whole)

    def _banded(self, targets: Numbers, middle: LinearSolution) -> LinearSolution:
        errors = (targets[:, : self.horizon] - middle.left_out)[self._late(targets)]
        shifts = [np.quantile(errors, level, axis=0) if level != 0.5 else 0.0 for level in measures.LEVELS]
        return LinearSolution(
            np.concatenate([middle.weight] * len(shifts), axis=1),
            np.concatenate([middle.bias + shift for shift in shifts]),
            np.concatenate([middle.left_out + shift for shift in shifts], axis=1),
            middle.solver,
            middle.penalty,
            middle.path,
        )

    def left_out_loss(self, scores: Scores, targets: Numbers) -> float:
        """Of the later half."""
        late = self._late(targets)
        loss = measures.pinball(targets[late, : self.horizon], self.quantiles(scores[late]))
        return float(np.mean(targets[late, -1] * loss))

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Quantile loss, doubled, mean over steps and quantiles, times the window's weight."""
        import torch

        told = outputs.float().reshape(len(outputs), len(QUANTILES), -1)
        wanted, weight = targets.float()[:, : self.horizon], targets.float()[:, -1]
        apart = wanted[:, None] - told
        level = torch.tensor(measures.LEVELS)[None, :, None]
        return 2 * weight * torch.maximum(level * apart, (level - 1) * apart).mean(dim=(1, 2))

    def quantiles(self, scores: Scores) -> FloatArray:
        """(N, 3, H), rising."""
        return np.sort(np.asarray(scores, np.float64).reshape(len(scores), len(QUANTILES), -1), axis=1)

    def decode(self, scores: Scores) -> Predictions:
        """In deviations from the level of the past."""
        return self._told(scores, self.quantiles(scores))

    def answer(self, scores: Scores, contents: Iterable[Any]) -> Predictions:
        """In the series' own units."""
        known = np.array([past(content)[1:] for content in contents])
        level, scale = known[:, 0, None, None], known[:, 1, None, None]
        return self._told(scores, self.quantiles(scores) * scale + level)

    def _told(self, scores: Scores, told: FloatArray) -> Predictions:
        """Answers (3 H,) each; the narrower the band, the surer."""
        width = np.mean(self.quantiles(scores)[:, -1] - self.quantiles(scores)[:, 0], axis=1)
        return Predictions(scores, list(told.reshape(len(told), -1)), None, 1 / (1 + width))

    def watch(self, scores: Scores, targets: Targets) -> float:
        return float(self._skill(*self._truth_and_told(scores, targets), targets)(np.ones((1, len(targets))))[0])

    def _truth_and_told(self, scores: Scores, targets: Targets) -> tuple[FloatArray, FloatArray]:
        """The next values (N, H) and forecasts (N, 3, H), in the series' own units."""
        level, scale = (_field(targets, name)[:, None, None] for name in ("level", "scale"))
        return self.ahead(targets), self.quantiles(scores) * scale + level

    def _skill(self, truth: FloatArray, told: FloatArray, targets: Targets) -> measures.Ratio:
        unit = _unit(targets)
        return measures.Ratio(measures.absolute_error(truth, told[:, 1]) / unit, _field(targets, "naive") / unit, True)

    def metrics(self, predictions: Predictions, targets: Targets) -> list[Metric]:
        truth, told = self._truth_and_told(predictions.scores, targets)
        point, deviation = told[:, 1], np.maximum(_field(targets, "deviation"), 1e-12)
        errors = measures.absolute_error(truth, point)
        size = measures.mean_there(np.abs(truth))

        def less(name: str, title: str, values: FloatArray) -> Metric:
            return Metric(name, title, Mean(values), greater_is_better=False)

        return [
            Metric("skill", "Skill", self._skill(truth, told, targets)),
            less("mase", "MASE", errors / _unit(targets)),
            less("smape", "sMAPE", measures.symmetric_error(truth, point)),
            less("mse", "MSE", measures.squared_error(truth, point) / deviation**2),
            less("mae", "MAE", errors / deviation),
            Metric(
                "quantile_loss",
                "Weighted quantile loss",
                measures.Ratio(measures.pinball(truth, told), size),
                greater_is_better=False,
            ),
            Metric("coverage", "Within the 80 % band", Mean(measures.covered(truth, told))),
        ]

    @property
    def arrow_type(self) -> pa.DataType:
        return pa.list_(pa.float64(), len(self.labels))

    @property
    def truth_type(self) -> pa.DataType:
        return pa.list_(pa.float64(), self.horizon + self.known)

    def answers_of(self, targets: Targets) -> list[Any]:
        return list(targets)

    def shown(self, answer: Any, content: Any = None) -> str:
        """The first values: of the middle of an answer, or of what came."""
        del content
        values = np.asarray(answer)
        if len(values) == len(self.labels):
            values = values[self.horizon : 2 * self.horizon]
        listed = [f"{value:.{DIGITS}g}" for value in values[: min(self.horizon, 6)]]
        return ", ".join(listed) + (" …" if self.horizon > 6 else "")

    def course(self, content: Any, answer: Any, truth: Any) -> Course:
        low, middle, high = np.asarray(answer, np.float64).reshape(len(QUANTILES), -1)
        return Course(past(content)[0], low, middle, high, np.asarray(truth, np.float64)[: self.horizon])

    def laid_out(self, ids: Sequence[str], predictions: Predictions) -> dict[str, Any]:
        """A row for each series and step."""
        told = np.asarray(predictions.answers, np.float64).reshape(len(ids), len(QUANTILES), -1)
        columns = {name: told[:, place].ravel() for place, name in enumerate(QUANTILES)}
        return {
            "id": np.repeat(ids, self.horizon),
            "step": np.tile(np.arange(1, self.horizon + 1), len(ids)),
            **columns,
        }

    def errors(self, predictions: Predictions, targets: Targets) -> FloatArray:
        truth, told = self._truth_and_told(predictions.scores, targets)
        return measures.absolute_error(truth, told[:, 1]) / _unit(targets)

    def counts(self, targets: Targets) -> None:
        """A window has no label to be counted by."""
        del targets

    def baselines(self, targets: Targets) -> list[Baseline]:
        """The last value, and the last season, again and again; with bands as wide as their errors in training."""
        season = int(_field(targets, "season")[0])
        wide = self._spread(targets)
        found = [Repeats("naive", "The last value again", wide, self.horizon, 1)]
        if season > 1:
            found.append(
                Repeats("seasonal_naive", f"The last season again ({season} steps)", wide, self.horizon, season)
            )
        return list(found)

    def _spread(self, targets: Targets) -> FloatArray:
        """(1, 1): how far, in deviations of the past, a seasonal naive forecast is off by nine of ten times; from the
        middle of its errors, as for a normal distribution."""
        errors = _field(targets, "naive") / _field(targets, "scale")
        return np.array([[1.6 * float(np.median(errors))]])

    def baselines_of(self, targets: Targets, contents: Iterable[Any]) -> list[Baseline]:
        del contents
        return self.baselines(targets)

    def rivals(self, train: Told, validation: Told, fit: Told, asked: int) -> tuple[list[Baseline], list[str]]:
        """Theta, a linear model of the past, what these, other smoothing and the last season say together, and the
        library's Theta and AutoETS where these do not take too long."""
        del train, validation
        targets, contents = self.encode(fit.labels), list(fit.contents())
        numbers = self.numbers(targets)
        linear = local_models.linear_past(contents, numbers, self.horizon)
        season = int(_field(targets, "season")[0])
        theta = Theta("plain_theta", "The Theta method", self._spread(targets), self.horizon, season)
        places = np.linspace(0, len(contents) - 1, 5).astype(int).tolist()
        models, left_out = local_models.local_models(self.horizon, season, [contents[place] for place in places], asked)
        return [theta, linear, self._combined(contents, numbers, season), *models], left_out

    def _combined(self, contents: Sequence[Any], numbers: Numbers, season: int) -> Baseline:
        """What a head makes of what is classical and of the past, without any source."""
        width = local_models.usual_width(contents)
        features = local_models.beside_classical(contents, width, self.horizon, season)
        found = self.solve_from(
            features.astype(np.float32), numbers, local_models.classical_heads(self.horizon, features.shape[1])
        )
        title = "A combination of Theta, other smoothing, the last season and a linear model of the past"
        scores = np.vstack([found.weight, found.bias])
        return local_models.Combined("combined", title, scores, self.horizon, season)


@dataclass(frozen=True)
class Repeats(Baseline):
    """The end of the past, again and again. `scores` (1, 1) is how far its band reaches on each side."""

    horizon: int
    season: int

    def answer(self, contents: Iterable[Any], count: int) -> Scores:
        found = np.empty((count, 3, self.horizon))
        for row, content in enumerate(contents):
            values, level, scale = past(content)
            found[row] = (self.told(values) - level) / scale
        found[:, 0] -= self.scores
        found[:, 2] += self.scores
        return found.reshape(count, -1)

    def told(self, values: FloatArray) -> FloatArray:
        """(H,): what comes after `values` (T,)."""
        return seasonal_naive(values, self.horizon, self.season)


class Theta(Repeats):
    """The Theta method, fitted to every past."""

    def told(self, values: FloatArray) -> FloatArray:
        return theta_forecast(values, self.horizon, self.season)


def _combination(titles: Sequence[str], shares: FloatArray) -> str:
    """Such as 70 % Theta + 30 % the source's own forecasts."""
    parts = sorted(((round(100 * share), title) for share, title in zip(shares, titles, strict=True)), reverse=True)
    named = [f"{share} % {title}" if share < 100 else title for share, title in parts if share]
    return " + ".join(named)


def _field(targets: Targets, name: str) -> FloatArray:
    return np.asarray(targets[:, FIELDS.index(name) - len(FIELDS)])


def _unit(targets: Targets) -> FloatArray:
    """In what errors are measured: a series whose seasons repeat exactly has none."""
    unit = _field(targets, "unit")
    return np.where(unit > 0, unit, np.maximum(_field(targets, "deviation"), 1e-12))
