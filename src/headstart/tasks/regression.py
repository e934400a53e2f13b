"""A number an example."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from headstart.core.errors import DataError, StrategyError
from headstart.measure import scores as measures
from headstart.measure.linear import LinearSolution
from headstart.measure.ridge import fit_ridge
from headstart.tasks.baselines import Baseline
from headstart.tasks.contract import Task
from headstart.tasks.predictions import Metric, Predictions, Scores, Targets

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Regression(Task):
    """Targets (N,) of float64. Scores (N, 1): the number itself."""

    kind: ClassVar[str] = "regression"
    solvers: ClassVar[tuple[str, ...]] = ("ridge",)
    primary: str = "r_squared"

    @classmethod
    def from_labels(cls, label: str, values: Sequence[Any]) -> Regression:
        numbers = _numbers(label, values)
        if np.ptp(numbers) == 0:
            raise DataError(f"Every value in column '{label}' is {numbers[0]:g}: there is nothing to learn.")
        return cls(label, (label,))

    def encode(self, values: Sequence[Any]) -> Targets:
        return _numbers(self.label, values)

    def solve(self, features: NDArray[np.float32], targets: Targets, solver: str) -> LinearSolution:
        if solver not in ("best", "ridge"):
            raise StrategyError(f"Regression has no solver '{solver}'. Known: ridge.")
        return fit_ridge(features, np.asarray(targets, np.float64)[:, None])

    def fit_plain(self, features: Any, targets: Targets, strength: float) -> Callable[[Any], Scores]:
        """Ridge regression by scikit-learn."""
        from sklearn.linear_model import Ridge

        fitted = Ridge(alpha=1 / strength).fit(features, targets)
        return lambda others: np.asarray(fitted.predict(others), np.float64).reshape(-1, 1)

    def left_out_loss(self, scores: Scores, targets: Targets) -> float:
        return measures.root_mean_squared_error(targets, scores[:, 0])

    def left_out_likelihoods(self, scores: Scores, targets: Targets) -> NDArray[np.float64]:
        """Under a normal distribution about what was told, as wide as its errors."""
        squares = np.square(np.asarray(targets, np.float64) - scores[:, 0])
        variance = max(float(squares.mean()), 1e-12 * float(np.var(targets)))
        return np.asarray(-(squares / variance + np.log(variance)) / 2)

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return (outputs[:, 0].float() - targets.float()) ** 2

    def moments(self, targets: Targets) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        numbers = np.asarray(targets, np.float64)
        return np.array([numbers.mean()]), np.array([numbers.std() or 1.0])

    def decode(self, scores: Scores) -> Predictions:
        return Predictions(scores, [float(value) for value in scores[:, 0]], None, np.ones(len(scores)))

    def metrics(self, predictions: Predictions, targets: Targets) -> list[Metric]:
        answers = predictions.scores[:, 0]
        return [
            Metric("r_squared", "R²", measures.r_squared_statistic(targets, answers)),
            Metric(
                "mean_absolute_error",
                "Mean absolute error",
                measures.mean_absolute_error_statistic(targets, answers),
                greater_is_better=False,
            ),
            Metric(
                "root_mean_squared_error",
                "Root mean squared error",
                measures.root_mean_squared_error_statistic(targets, answers),
                greater_is_better=False,
            ),
            Metric("spearman", "Rank correlation", measures.spearman_statistic(targets, answers)),
        ]

    @property
    def arrow_type(self) -> pa.DataType:
        return pa.float64()

    def answers_of(self, targets: Targets) -> list[Any]:
        return [float(number) for number in targets]

    def counts(self, targets: Targets) -> None:
        del targets

    def baselines(self, targets: Targets) -> list[Baseline]:
        return [Baseline("mean", "Mean of the training values", np.array([[np.mean(targets)]]))]


def _numbers(label: str, values: Sequence[Any]) -> NDArray[np.float64]:
    try:
        numbers = np.array([float(value) for value in values])
    except (TypeError, ValueError):
        bad = next(value for value in values if not _is_number(value))
        raise DataError(f"Column '{label}' holds '{bad}', which is not a number.") from None
    if not np.isfinite(numbers).all():
        raise DataError(
            f"Column '{label}' holds a value that is not finite in row {int(np.argmin(np.isfinite(numbers)))}."
        )
    return numbers


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True
