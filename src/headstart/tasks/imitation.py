"""Another network's features, as what a head has to predict: distillation. There are no labels to read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from headstart.measure import scores as measures
from headstart.measure.linear import LinearSolution
from headstart.measure.ridge import fit_ridge
from headstart.tasks.baselines import Baseline
from headstart.tasks.contract import Task
from headstart.tasks.predictions import Metric, Predictions, Scores, Targets

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Imitation(Task):
    """Targets (N, K): features of another network, standardised. Scores (N, K): their prediction."""

    kind: ClassVar[str] = "imitation"
    solvers: ClassVar[tuple[str, ...]] = ("ridge",)
    primary: str = "r_squared"

    @classmethod
    def from_labels(cls, label: str, values: Sequence[Any]) -> Imitation:
        return cls(label, tuple(f"{label} {number}" for number in range(len(values[0]))))

    def encode(self, values: Sequence[Any]) -> Targets:
        return np.asarray(values, dtype=np.float32)

    def solve(self, features: NDArray[np.float32], targets: Targets, solver: str) -> LinearSolution:
        del solver
        return fit_ridge(features, np.asarray(targets, np.float64))

    def left_out_loss(self, scores: Scores, targets: Targets) -> float:
        return measures.root_mean_squared_error(targets, scores)

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return ((outputs.float() - targets.float()) ** 2).mean(dim=1)

    def decode(self, scores: Scores) -> Predictions:
        return Predictions(scores, list(scores), None, np.ones(len(scores)))

    def metrics(self, predictions: Predictions, targets: Targets) -> list[Metric]:
        return [Metric("r_squared", "R²", measures.r_squared_statistic(targets, predictions.scores))]

    def baselines(self, targets: Targets) -> list[Baseline]:
        return [Baseline("mean", "Mean of the features", np.mean(targets, axis=0, keepdims=True))]
