"""Any number of labels an example."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from headstart.core.errors import DataError, StrategyError
from headstart.measure import scores as measures
from headstart.measure.calibration import fit_platt, sigmoid
from headstart.measure.linear import LinearSolution
from headstart.measure.ridge import fit_ridge
from headstart.tasks.baselines import Baseline
from headstart.tasks.choose import known_label
from headstart.tasks.contract import Task
from headstart.tasks.predictions import Metric, Predictions, Scores, Targets
from headstart.tasks.presenting import Retrieved
from headstart.tasks.solving import doubting

if TYPE_CHECKING:
    import torch


def as_list(value: Any) -> list[str]:
    return [str(name) for name in value] if isinstance(value, (list, tuple)) else [str(value)]


@dataclass(frozen=True)
class MultiLabel(Task):
    """Targets (N, K) of 0 and 1. Scores (N, K): one logit a label."""

    kind: ClassVar[str] = "multilabel"
    solvers: ClassVar[tuple[str, ...]] = ("ridge",)
    primary: str = "mean_average_precision"

    @classmethod
    def from_labels(cls, label: str, values: Sequence[Any]) -> MultiLabel:
        names = sorted({name for value in values for name in as_list(value)})
        if not names:
            raise DataError(f"Column '{label}' holds no labels at all.")
        return cls(label, tuple(names))

    def encode(self, values: Sequence[Any]) -> Targets:
        number = {name: index for index, name in enumerate(self.labels)}
        targets = np.zeros((len(values), self.outputs), dtype=np.float32)
        for row, value in enumerate(values):
            for name in as_list(value):
                if name not in number:
                    raise known_label(name, self.label, self.labels)
                targets[row, number[name]] = 1
        return targets

    def solve(self, features: NDArray[np.float32], targets: Targets, solver: str) -> LinearSolution:
        """Ridge to 0 and 1, each label's scores then calibrated by Platt's sigmoid on the left-out scores."""
        if solver not in ("best", "ridge"):
            raise StrategyError(f"Several labels an example have no solver '{solver}'. Known: ridge.")
        solution = fit_ridge(features, np.asarray(targets, np.float64))
        fitted = [fit_platt(solution.left_out[:, k], targets[:, k]) for k in range(self.outputs)]
        return solution.scaled(np.array([slope for slope, _ in fitted]), np.array([offset for _, offset in fitted]))

    def fit_plain(self, features: Any, targets: Targets, strength: float) -> Callable[[Any], Scores]:
        """One logistic regression a label, by scikit-learn."""
        from sklearn.linear_model import LogisticRegression

        rates = targets.mean(axis=0)
        fitted = {
            label: LogisticRegression(C=strength, max_iter=300).fit(features, targets[:, label])
            for label in np.flatnonzero((rates > 0) & (rates < 1))
        }

        def answer(others: Any) -> Scores:
            scores = np.where(rates > 0, 10.0, -10.0) * np.ones((others.shape[0], 1))
            for label, one in fitted.items():
                scores[:, label] = one.decision_function(others)
            return scores

        return answer

    def humbled(self, solution: LinearSolution, before: Scores, targets: Targets) -> LinearSolution:
        """Drawn towards how often each label is there, until the mean doubt of what is left out lies between the shares
        of labels that were wrong before and after."""
        often = (targets.sum(axis=0) + 1) / (len(targets) + 2)
        usual = np.log(often / (1 - often))

        def doubt(factor: float) -> float:
            return float(sigmoid(-np.abs(factor * solution.left_out + (1 - factor) * usual)).mean())

        wrong = [float(np.mean((scores > 0) != (targets > 0))) for scores in (before, solution.left_out)]
        factor = doubting(doubt, wrong, targets.size)
        return solution.scaled(factor, (1 - factor) * usual)

    def left_out_loss(self, scores: Scores, targets: Targets) -> float:
        return -measures.mean_average_precision(targets, scores)

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        from torch.nn import functional

        return functional.binary_cross_entropy_with_logits(outputs.float(), targets.float(), reduction="none").mean(
            dim=1
        )

    def likeness(self, targets: torch.Tensor) -> torch.Tensor:
        """Labels that two examples share, over those that either has (Jaccard); 1 where neither has any."""
        shared = targets @ targets.T
        count = targets.sum(dim=1)
        either = count[:, None] + count[None] - shared
        return (shared / either.clamp(min=1)).where(either > 0, 1.0)

    def decode(self, scores: Scores) -> Predictions:
        probabilities = sigmoid(np.asarray(scores, dtype=np.float64))
        chosen = probabilities > 0.5
        answers = [[self.labels[k] for k in np.flatnonzero(row)] for row in chosen]
        return Predictions(scores, answers, probabilities, np.abs(probabilities - 0.5).mean(axis=1) + 0.5)

    def metrics(self, predictions: Predictions, targets: Targets) -> list[Metric]:
        assert predictions.probabilities is not None
        chosen = (predictions.probabilities > 0.5).astype(np.float64)
        return [
            Metric(
                "mean_average_precision",
                "Mean average precision",
                measures.mean_average_precision_statistic(targets, predictions.scores),
            ),
            Metric("micro_f1", "Micro F1", measures.micro_f1_statistic(targets, chosen)),
            Metric(
                "hamming_loss",
                "Hamming loss",
                measures.hamming_loss_statistic(targets, chosen),
                greater_is_better=False,
            ),
        ]

    @property
    def arrow_type(self) -> pa.DataType:
        return pa.list_(pa.string())

    def answers_of(self, targets: Targets) -> list[Any]:
        return [[self.labels[number] for number in np.flatnonzero(row)] for row in targets]

    def counts(self, targets: Targets) -> NDArray[np.int64]:
        return np.asarray(targets.sum(axis=0), np.int64)

    def retrieved(self, predictions: Predictions, targets: Targets) -> dict[str, Retrieved]:
        given, wanted = self.encode(predictions.answers).astype(np.float64), targets.astype(np.float64)
        return {
            name: Retrieved(given[:, number] * wanted[:, number], given[:, number], wanted[:, number])
            for number, name in enumerate(self.labels)
        }

    def baselines(self, targets: Targets) -> list[Baseline]:
        share = (np.asarray(targets, np.float64).sum(axis=0) + 0.5) / (len(targets) + 1)
        return [Baseline("majority", "Label frequencies", np.log(share / (1 - share))[None])]
