"""One label of several an example."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from headstart.core.errors import DataError, StrategyError
from headstart.measure import scores as measures
from headstart.measure.calibration import calibration_error, fit_temperature, shrinkage, softmax
from headstart.measure.lda import fit_lda
from headstart.measure.linear import LinearSolution, root_deviation
from headstart.measure.logistic import fit_logistic
from headstart.measure.ridge import fit_ridge
from headstart.tasks.baselines import Baseline
from headstart.tasks.choose import known_label
from headstart.tasks.contract import Task
from headstart.tasks.predictions import Metric, Predictions, Scores, Targets
from headstart.tasks.presenting import Retrieved
from headstart.tasks.solving import doubting

if TYPE_CHECKING:
    import torch

IMBALANCE = 3.0
"""Largest class over smallest from which balanced accuracy, not accuracy, decides the verdict."""


CHOOSING = 4000
"""At most this many left-out examples choose the penalty; a difference that they do not show does not matter."""


def as_name(value: Any) -> str:
    """The name of a label: 3.0 and 3 are one class."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


@dataclass(frozen=True)
class Classification(Task):
    """Targets (N,): numbers of classes. Scores (N, K): logits."""

    kind: ClassVar[str] = "classification"
    solvers: ClassVar[tuple[str, ...]] = ("best", "ridge", "lda", "logistic")
    of_kinds: ClassVar[bool] = True
    primary: str = "accuracy"

    @classmethod
    def from_labels(cls, label: str, values: Sequence[Any]) -> Classification:
        found = Counter(as_name(value) for value in values)
        counts = {name: found[name] for name in sorted(found, key=_natural)}
        if len(counts) < 2:
            raise DataError(
                f"Column '{label}' has one class only ({next(iter(counts), 'none')}). "
                "At least two are needed to learn to tell them apart."
            )
        uneven = max(counts.values()) > IMBALANCE * min(counts.values())
        return cls(label, tuple(counts), "balanced_accuracy" if uneven else "accuracy")

    def encode(self, values: Sequence[Any]) -> Targets:
        number = {name: index for index, name in enumerate(self.labels)}
        try:
            return np.array([number[as_name(value)] for value in values], dtype=np.int64)
        except KeyError as unknown:
            raise known_label(str(unknown.args[0]), self.label, self.labels) from None

    def solve(self, features: NDArray[np.float32], targets: Targets, solver: str) -> LinearSolution:
        """Ridge and LDA by exact leave-one-out, or logistic; "best" takes the lowest left-out log-loss of ridge, LDA
        and the mean of both. Scores are scaled by a temperature fitted on the left-out scores (Guo et al. 2017)."""
        spread = root_deviation(features)
        even = np.divide(features, spread, dtype=features.dtype, casting="same_kind")
        wanted = ("ridge", "lda") if solver == "best" else (solver,)
        found = [self._calibrated(self._fit(even, targets, name), targets) for name in wanted]
        if solver == "best":
            found.append(self._calibrated(found[0].mean_with(found[1]), targets))
        return min(found, key=lambda one: measures.log_loss(targets, softmax(one.left_out))).before(spread)

    def _fit(self, features: NDArray[Any], targets: Targets, solver: str) -> LinearSolution:
        every = -(-len(targets) // CHOOSING)

        def loss(scores: Scores) -> float:
            return self.left_out_loss(scores, targets[::every])

        if solver == "ridge":
            return fit_ridge(features, np.eye(self.outputs)[targets], choose=loss, every=every)
        if solver == "lda":
            return fit_lda(features, targets, self.outputs, choose=loss, every=every)
        if solver == "logistic":
            return fit_logistic(features, targets, self.outputs)
        raise StrategyError(f"Classification has no solver '{solver}'. Known: {', '.join(self.solvers)}.")

    def _calibrated(self, solution: LinearSolution, targets: Targets) -> LinearSolution:
        return solution.scaled(fit_temperature(solution.left_out, targets))

    def fit_plain(self, features: Any, targets: Targets, strength: float) -> Callable[[Any], Scores]:
        """Logistic regression by scikit-learn; classes without an example get the lowest score."""
        from sklearn.linear_model import LogisticRegression

        fitted = LogisticRegression(C=strength, max_iter=300).fit(features, targets)

        def answer(others: Any) -> Scores:
            found = fitted.decision_function(others)
            found = np.stack([-found / 2, found / 2], axis=1) if found.ndim == 1 else found
            scores = np.full((len(found), self.outputs), found.min() - 10.0)
            scores[:, fitted.classes_] = found
            return scores

        return answer

    def soften(self, solution: LinearSolution, features: NDArray[np.float32], targets: Targets) -> LinearSolution:
        """Scaled down until its log-loss on its own examples is the left-out one: with more features than examples it
        is near zero otherwise, and training would have nothing to go by."""
        own = solution.scores(features)
        wanted = measures.log_loss(targets, softmax(solution.left_out))
        return solution.scaled(shrinkage(lambda factor: measures.log_loss(targets, softmax(factor * own)), wanted))

    def humbled(self, solution: LinearSolution, before: Scores, targets: Targets) -> LinearSolution:
        """Scaled down until its mean doubt of what is left out lies between what was wrong before and after."""

        def doubt(factor: float) -> float:
            return 1 - float(softmax(factor * solution.left_out).max(axis=1).mean())

        wrong = [float(np.mean(scores.argmax(axis=1) != targets)) for scores in (before, solution.left_out)]
        return solution.scaled(doubting(doubt, wrong, len(targets)))

    def calibrate(self, scores: Scores, targets: Targets) -> float:
        """The temperature's inverse (Guo et al. 2017)."""
        return fit_temperature(scores, targets)

    def left_out_loss(self, scores: Scores, targets: Targets) -> float:
        """Log-loss at the best temperature."""
        return measures.log_loss(targets, softmax(fit_temperature(scores, targets) * scores))

    def left_out_likelihoods(self, scores: Scores, targets: Targets) -> NDArray[np.float64]:
        from scipy.special import log_softmax

        return np.asarray(log_softmax(scores, axis=1)[np.arange(len(targets)), targets], np.float64)

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Cross-entropy; targets (N,) of classes, or (N, K) of mixed ones."""
        from torch.nn import functional

        return functional.cross_entropy(outputs.float(), targets, reduction="none")

    def balance(self, targets: Targets) -> NDArray[np.float64]:
        """Inverse frequency, with mean one over the examples."""
        counts = np.bincount(targets, minlength=self.outputs).clip(min=1)
        return np.asarray(len(targets) / (self.outputs * counts), dtype=np.float64)

    def groups(self, targets: Targets) -> NDArray[np.int64]:
        return np.asarray(targets, np.int64)

    def likeness(self, targets: torch.Tensor) -> torch.Tensor:
        """1 for two of one class, 0 for others."""
        return (targets[:, None] == targets[None]).float()

    def decode(self, scores: Scores) -> Predictions:
        probabilities = softmax(np.asarray(scores, dtype=np.float64))
        best = probabilities.argmax(axis=1)
        return Predictions(
            scores,
            [self.labels[number] for number in best],
            probabilities,
            probabilities[np.arange(len(best)), best],
            is_probability=True,
        )

    def metrics(self, predictions: Predictions, targets: Targets) -> list[Metric]:
        probabilities = predictions.probabilities
        assert probabilities is not None
        best = predictions.scores.argmax(axis=1)
        classes = self.outputs
        return [
            Metric("accuracy", "Accuracy", measures.accuracy_statistic(targets, best)),
            Metric(
                "balanced_accuracy", "Balanced accuracy", measures.balanced_accuracy_statistic(targets, best, classes)
            ),
            Metric("macro_f1", "Macro F1", measures.macro_f1_statistic(targets, best, classes)),
            Metric(
                "log_loss", "Log-loss", measures.log_loss_statistic(targets, probabilities), greater_is_better=False
            ),
            Metric(
                "calibration_error",
                "Calibration error",
                _calibration_statistic(probabilities, targets),
                greater_is_better=False,
            ),
        ]

    def retrieved(self, predictions: Predictions, targets: Targets) -> dict[str, Retrieved]:
        answers = self.encode(predictions.answers)
        given, wanted = (np.equal.outer(np.arange(self.outputs), one).astype(np.float64) for one in (answers, targets))
        return {
            name: Retrieved(given[number] * wanted[number], given[number], wanted[number])
            for number, name in enumerate(self.labels)
        }

    def baselines(self, targets: Targets) -> list[Baseline]:
        counts = np.bincount(targets, minlength=self.outputs) + 0.5
        return [
            Baseline(
                "majority", f"Majority class ({self.labels[int(counts.argmax())]})", np.log(counts / counts.sum())[None]
            )
        ]


def _calibration_statistic(probabilities: NDArray[np.float64], targets: Targets) -> measures.Statistic:
    def statistic(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        rows = [np.repeat(np.arange(len(targets)), row.astype(np.int64)) for row in weights]
        return np.array([calibration_error(probabilities[row], targets[row]) for row in rows])

    return statistic


def _natural(name: str) -> tuple[int, float, str]:
    """Numbers in their order, then words."""
    try:
        return (0, float(name), name)
    except ValueError:
        return (1, 0.0, name)
