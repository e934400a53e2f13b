"""Which steps of a series are not what was to be expected: those that end a short stretch which lies farther from its
forecast than any normal one did."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from headstart.core.errors import DataError
from headstart.data.contents import Told
from headstart.data.modalities.series import past
from headstart.data.windows import FIELDS, MARKS
from headstart.measure import events, retrieval
from headstart.measure.linear import FloatArray, LinearSolution
from headstart.tasks.baselines import Baseline
from headstart.tasks.forecasting import Forecasting
from headstart.tasks.predictions import Metric, Numbers, Predictions, Scores, Targets
from headstart.tasks.presenting import Course
from headstart.tasks.solving import KnownHead
from headstart.tasks.unfamiliar import unfamiliar, usual

MEDIANS = (5, 21, 101)
"""Lengths of the moving median; that of the least error on normal steps is taken."""
FAR = 1e9
LEAST = 1e-6
"""Least distance, in deviations of the past, that can be normal."""


@dataclass(frozen=True)
class Anomaly(Forecasting):
    """Targets (N, H + 10): the latest H values, and what `headstart.data.windows.MARKS` and `FIELDS` say. Scores
    (N, 3 H): the forecast of these values, and a band around it, in deviations from the level of the past. Behind that
    there may be more (N, K), whose length is how unlike the past is those that were learned from.

    How far values lie from their forecast, each in units of the half of its band, or such a length where it is greater,
    is 1 for the farthest normal stretch that was told without having been learned from: the median of the farthest of
    some spans of time, so that one odd stretch does not hide others. Beyond that is an alarm: nothing but the training
    and validation parts has a say in it."""

    kind: ClassVar[str] = "anomaly"
    options: ClassVar[tuple[str, ...]] = ("series", "value", "horizon", "context", "season")
    each_step: ClassVar[bool] = True
    untrained: ClassVar[bool] = False
    known: ClassVar[int] = len(MARKS) + len(FIELDS)
    farthest: ClassVar[float] = 1000.0
    watched: ClassVar[str] = "Skill of the forecast"
    things: ClassVar[str] = "steps"
    primary: str = "f1"

    @classmethod
    def from_labels(cls, label: str, values: Sequence[Any]) -> Forecasting:
        if not values or not isinstance(values[0], np.ndarray):
            raise DataError(
                "Anomalies are found in a table of values over time. Say which columns hold times, values and the "
                "marks of anomalies (0 and 1) with --time, --value and --label."
            )
        return super().from_labels(label, values)

    def outlook(self, values: Sequence[Any]) -> None:
        """Steps are told from what is usual just before, and no season is asked for."""
        del values

    def solve(self, features: NDArray[np.float32], targets: Numbers, solver: str) -> LinearSolution:
        """As for forecasting, with a band as wide as normal errors are, and what tells unfamiliar pasts."""
        return self._with_unfamiliar(super().solve(features, targets, solver), features, targets)

    def solve_from(
        self, features: NDArray[np.float32], targets: Numbers, starts: Sequence[KnownHead]
    ) -> LinearSolution:
        return self._with_unfamiliar(super().solve_from(features, targets, starts), features, targets)

    def soften(self, solution: LinearSolution, features: NDArray[np.float32], targets: Numbers) -> LinearSolution:
        """The forecast and its band alone: what is familiar changes while a network learns."""
        del features, targets
        told = slice(len(self.labels))
        return replace(
            solution,
            weight=solution.weight[:, told],
            bias=solution.bias[told],
            left_out=solution.left_out[:, told],
        )

    def _with_unfamiliar(
        self, solution: LinearSolution, features: NDArray[np.float32], targets: Numbers
    ) -> LinearSolution:
        apart = _distance(targets[:, : self.horizon], self.quantiles(solution.left_out))
        order = np.argsort(targets[:, self.horizon], kind="stable")
        found = unfamiliar(features[order], apart[order])
        if found is None:
            return solution
        wider = self._wider(found.factor)
        return replace(
            solution,
            weight=np.concatenate([solution.weight @ wider, found.weight], axis=1),
            bias=np.concatenate([solution.bias @ wider, found.bias]),
            left_out=solution.left_out @ wider,
            solver=f"{solution.solver}, and distance in the space of features",
        )

    def _banded(self, targets: Numbers, middle: LinearSolution) -> LinearSolution:
        reach = _reach(targets[:, : self.horizon] - middle.left_out)
        shifts = np.concatenate([-reach, np.zeros_like(reach), reach])
        return replace(
            middle,
            weight=np.tile(middle.weight, 3),
            bias=np.tile(middle.bias, 3) + shifts,
            left_out=np.tile(middle.left_out, 3) + shifts,
        )

    def left_out_loss(self, scores: Scores, targets: Numbers) -> float:
        """Error of the middle: the band is as wide as it has to be."""
        apart = np.abs(targets[:, : self.horizon] - self.quantiles(scores)[:, 1])
        return float(np.mean(targets[:, -1:] * apart))

    def calibrate(self, scores: Scores, targets: Numbers) -> NDArray[np.float64]:
        """What widens, or narrows, the band until the farthest of these is at a distance of 1."""
        return self._wider(float(np.max(_distance(targets[:, : self.horizon], self.quantiles(scores)))))

    def _wider(self, factor: float) -> NDArray[np.float64]:
        """What widens bands so much, as a matrix for scores."""
        widened = np.array([[factor, 0, 0], [1 - factor, 1, 1 - factor], [0, 0, factor]])
        return np.kron(widened, np.eye(self.horizon))

    def quantiles(self, scores: Scores) -> FloatArray:
        return super().quantiles(scores[:, : len(self.labels)])

    def _tells_unlike(self, scores: Scores) -> bool:
        return bool(scores.shape[1] > len(self.labels))

    def _unlike(self, scores: Scores) -> FloatArray:
        """(N,): how unlike the past is those that were learned from; 0 where nothing is said of that."""
        return np.asarray(np.linalg.norm(scores[:, len(self.labels) :], axis=1))

    def answer(self, scores: Scores, contents: Iterable[Any]) -> Predictions:
        """In the series' own units: what came, the band, and how unlike the past is those that were learned from
        (4 H + 1,). The farther from what is usual, the surer."""
        nothing = np.full(self.horizon, np.nan)
        given = [(getattr(content, "now", nothing), *past(content)[1:]) for content in contents]
        now = np.array([one[0] for one in given]).reshape(-1, self.horizon)
        level, scale = (np.array([one[place] for one in given])[:, None, None] for place in (1, 2))
        band = self.quantiles(scores) * scale + level
        unlike = self._unlike(scores)
        answers = np.concatenate([now, band.reshape(len(now), -1), unlike[:, None]], axis=1)
        return Predictions(scores, list(answers), None, np.maximum(_distance(now, band), unlike))

    def _distances(self, scores: Scores, targets: Targets) -> FloatArray:
        return np.maximum(_distance(*self._truth_and_told(scores, targets)), self._unlike(scores))

    def metrics(self, predictions: Predictions, targets: Targets) -> list[Metric]:
        found, given, wanted = self._judged(predictions.scores, targets)
        return [
            Metric("f1", "F1 of events", retrieval.f1(found, given, wanted)),
            Metric("precision", "Precision of alarms", retrieval.precision(found, given)),
            Metric("recall", "Events found", retrieval.recall(found, wanted)),
        ]

    def _judged(self, scores: Scores, targets: Targets) -> tuple[FloatArray, FloatArray, FloatArray]:
        event, place = targets[:, self.horizon : self.horizon + len(MARKS)].astype(np.int64).T
        return events.judged(self._distances(scores, targets) > 1, event, place)

    def errors(self, predictions: Predictions, targets: Targets) -> FloatArray:
        """How far out a false alarm is; 1 at an event that was missed."""
        found, given, wanted = self._judged(predictions.scores, targets)
        distance = self._distances(predictions.scores, targets)
        return np.asarray((given - found) * distance + (wanted - found))

    @property
    def arrow_type(self) -> pa.DataType:
        return pa.list_(pa.float64(), 4 * self.horizon + 1)

    def shown(self, answer: Any, content: Any = None) -> str:
        """Of an answer, the step and what was expected, or that what goes ahead of it is the odder; of a target,
        whether the step is part of an event."""
        del content
        values = np.asarray(answer)
        if len(values) != 4 * self.horizon + 1:
            return "anomaly" if values[self.horizon] else "normal"
        now, *band = values[:-1].reshape(4, -1)
        if values[-1] > _distance(now[None], np.stack(band)[None])[0]:
            return f"{now[-1]:.4g}, after a course unlike those learned from"
        return f"{now[-1]:.4g} ({band[1][-1]:.4g} was expected)"

    def course(self, content: Any, answer: Any, truth: Any) -> Course:
        del truth  # the answer tells what came
        now, low, middle, high = np.asarray(answer, np.float64)[:-1].reshape(4, -1)
        return Course(past(content)[0], low, middle, high, now)

    def laid_out(self, ids: Sequence[str], predictions: Predictions) -> dict[str, Any]:
        """A row for each step: its value, what was expected, the distance of the stretch that it ends, and how much of
        that its past makes out alone."""
        told = np.asarray(predictions.answers, np.float64)[:, :-1].reshape(len(ids), 4, -1)[:, :, -1]
        distance = predictions.confidence
        return {
            "id": list(ids),
            "value": told[:, 0],
            "expected": told[:, 2],
            "distance": distance,
            **({"unlike": self._unlike(predictions.scores)} if self._tells_unlike(predictions.scores) else {}),
            "alarm": distance > 1,
        }

    def baselines(self, targets: Targets) -> list[Baseline]:
        del targets
        near, far = np.full(self.horizon, -FAR), np.full(self.horizon, FAR)
        return [
            Baseline("never", "Never an alarm", np.concatenate([near, 0 * far, far])[None]),
            Baseline("always", "Always an alarm", np.concatenate([far, far, far])[None]),
        ]

    def rivals(self, train: Told, validation: Told, fit: Told, asked: int) -> tuple[list[Baseline], list[str]]:
        """The distance from a moving median, its threshold found in the same way."""
        del train, validation, asked
        normal = self.numbers(self.encode(fit.labels))[:, : self.horizon]
        contents = list(fit.contents())
        apart = {length: normal - _medians(contents, length)[:, None] for length in MEDIANS}
        best = min(MEDIANS, key=lambda length: float(np.mean(np.abs(apart[length]))))
        title = f"Distance from the median of {best} values"
        return [MovingMedian("moving_median", title, _reach(apart[best])[None], best)], []


@dataclass(frozen=True)
class MovingMedian(Baseline):
    """A band around the median of the last values. `scores` (1, H) is how far it reaches on each side."""

    length: int

    def answer(self, contents: Iterable[Any], count: int) -> Scores:
        band = np.array([-1.0, 0.0, 1.0])[:, None] * self.scores
        return (_medians(contents, self.length)[:, None, None] + band).reshape(count, -1)


def _medians(contents: Iterable[Any], length: int) -> FloatArray:
    """(N,) in deviations from the level of each past."""

    def median(content: Any) -> float:
        values, level, scale = past(content)
        latest = getattr(content, "past", values)[-length:]  # as it was, also where it was unusual
        found = float(np.nanmedian(latest)) if np.isfinite(latest).any() else level
        return (found - level) / scale

    return np.array([median(content) for content in contents])


def _reach(errors: FloatArray) -> FloatArray:
    """(H,): the mean error of each step, times what makes the farthest of these stretches (N, H) one of distance 1."""
    mean = np.maximum(np.mean(np.abs(errors), axis=0), LEAST)
    return np.asarray(mean * usual(np.mean(np.abs(errors) / mean, axis=1)))


def _distance(now: FloatArray, band: FloatArray) -> FloatArray:
    """(N,): how far values (N, H) lie from the middle of their band (N, 3, H), in units of its half towards them, on
    average; missing ones do not count."""
    low, middle, high = band.transpose(1, 0, 2)
    half = np.where(now > middle, high - middle, middle - low)
    apart = np.abs(now - middle) / np.maximum(half, 1e-12 * np.maximum(np.abs(middle), 1e-12))
    return np.asarray(np.nanmean(apart, axis=1))
