"""What every task gives: targets from labels, a loss, predictions and their metrics."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from headstart.core.errors import RecipeError
from headstart.core.ragged import joined, like
from headstart.data.table import Examples
from headstart.tasks.baselines import HasBaselines
from headstart.tasks.predictions import Metric, Numbers, Predictions, Scores, Targets
from headstart.tasks.presenting import Presented
from headstart.tasks.solving import MayBeSolved

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Task(MayBeSolved, HasBaselines, Presented):
    """What one head answers. `kind` names it in the registry; `label` is the column it learns."""

    label: str
    labels: tuple[str, ...]
    """Names of the outputs, in order."""
    kind: ClassVar[str]
    reads: ClassVar[Literal["pooled", "places", "ahead"]] = "pooled"
    """What the head reads: one vector an example, one at each place that is answered, such as each word, or one of the
    latest values of a series. Scores, targets and answers at places differ in length between examples; `solve` and
    `loss` get all places of all examples in a row, (T, D) and (T, K)."""
    primary: str
    """Name of the metric that decides the verdict; greater is better."""
    own_head: ClassVar[str] = ""
    """The head of the source's own that answers, see `Source.with_head`; empty where new layers are made."""
    labelled: ClassVar[bool] = True
    """Whether examples need labels; else a target is read without, and their lengths stand in the label's place."""
    aligned: ClassVar[bool] = True
    """Whether an example has as many labels as places; else the labels, in order, lie somewhere among them."""
    texts: ClassVar[bool] = False
    """Whether labels are texts, or things that come next, rather than classes or numbers."""
    writes: ClassVar[bool] = False
    """Whether the source's own head learns to write them."""
    usual_strategy: ClassVar[str] = "probe"
    """What is done where the user names no strategy."""
    usual_source: ClassVar[str] = ""
    """What is started from where the user names no source; empty where the modality of the contents tells."""
    together: ClassVar[tuple[str, ...]] = ()
    """What the texts of one example are, where the task needs several."""
    taught: ClassVar[bool] = False
    """Whether what is to be answered is an input in training and validation, see `Source.taught`."""
    options: ClassVar[tuple[str, ...]] = ()
    """Options of `adapt` that other kinds of task do not have."""
    reader: ClassVar[str] = ""
    """The reader that a target needs whose form alone does not tell."""
    looks_ahead: ClassVar[bool] = False
    """Whether examples are stretches of series, with what comes next as their labels."""
    each_step: ClassVar[bool] = False
    """Whether every step of a series is an example, and its label whether something happened there."""
    untrained: ClassVar[bool] = True
    """Whether the source's own head can answer before anything was learned from the target."""
    of_kinds: ClassVar[bool] = False
    """Whether labels are names of kinds, and an example is of one of them."""
    answers_apart: ClassVar[bool] = True
    """Whether two labels are never one answer of a source's own."""

    @property
    def occurrences(self) -> Sequence[int]:
        """How often each label (K,) was met in training, where the task keeps count."""
        return (0,) * len(self.labels)

    @property
    def outputs(self) -> int:
        return len(self.labels)

    @classmethod
    def columns(cls, label: str | None, content: str | None) -> tuple[str | None, str | None]:
        """Which columns are learned and looked at, when the user names these."""
        return label, content

    @classmethod
    @abstractmethod
    def from_labels(cls, label: str, values: Sequence[Any]) -> Task:
        """The task that the training labels `values` of column `label` make.

        Raises:
            DataError: there is nothing to learn from them.
        """

    @classmethod
    def from_examples(cls, label: str, examples: Examples) -> Task:
        """The same from the training examples themselves, where labels are not all that there is to know.

        Raises:
            DataError: there is nothing to learn from them.
        """
        return cls.from_labels(label, [value for value in examples.labels(label) if value is not None])

    @abstractmethod
    def encode(self, values: Sequence[Any]) -> Targets:
        """Labels as they stand in the table to targets.

        Raises:
            DataError: a label that was not among the training labels.
        """

    def numbers(self, targets: Targets) -> Numbers:
        """What loss and solvers take of targets: targets themselves, unless they hold more, such as texts."""
        return targets

    def remarks(self, places: Callable[[Any], int], examples: Examples) -> list[str]:
        """What a user should know of how well the labels fit the contents of the examples to learn from.

        Args:
            places: at how many places of a content answers are given.
        """
        del places, examples
        return []

    def outlook(self, values: Sequence[Any]) -> tuple[int, int] | None:
        """Where what comes next is told: how many steps, and how many a season has, by the training labels."""
        del values
        return None

    def calibrate(self, scores: Scores, targets: Numbers) -> float | NDArray[np.float64]:
        """The factor, or the matrix (K, K), that makes held-out scores (N, K) as sure as they are right; 1 where that
        has no meaning."""
        del scores, targets
        return 1.0

    def searching(self, beams: int | None) -> Task:
        """The same task, following so many answers at once when it decodes.

        Raises:
            RecipeError: it does not search for its answers.
        """
        if beams is None:
            return self
        raise RecipeError(f"{self.kind} is not answered by a search, so there are no beams. Leave --beams out.")

    def losses(self, outputs: torch.Tensor, targets: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
        """`loss`, where examples follow each other with so many `places` (N,) each."""
        del places
        return self.loss(outputs, targets)

    @abstractmethod
    def loss(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Loss (N,) of outputs (N, K): one number an example, for others to weigh and reduce."""

    def read(self, outputs: torch.Tensor, inputs: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Scores (N, K) from the outputs of the source's own head and the batch of inputs."""
        raise NotImplementedError(f"{self.kind} has no head of the source's own")

    def score_written(self, answers: Sequence[str], log_probabilities: Sequence[float]) -> Scores:
        """Scores of answers that were written, from which `decode` reads them again.

        Args:
            log_probabilities: the mean of each answer's pieces, in nats.
        """
        raise NotImplementedError(f"{self.kind} is not answered by writing")

    @abstractmethod
    def decode(self, scores: Scores) -> Predictions:
        """Answers from the head's scores."""

    def answer(self, scores: Scores, contents: Iterable[Any]) -> Predictions:
        """The same, where answers are parts of what was asked: with the contents of the examples."""
        del contents
        return self.decode(scores)

    @abstractmethod
    def metrics(self, predictions: Predictions, targets: Targets) -> list[Metric]:
        """Every measure of these predictions."""

    def reordered(self, scores: Scores, labels: Sequence[str]) -> Scores:
        """Scores whose outputs are in the order of `labels`, with them in the order of this task's own; what scores
        tell beyond the outputs stays where it is."""
        flat = joined(scores)
        order = [labels.index(name) for name in self.labels]
        return like(flat[:, [*order, *range(len(order), flat.shape[1])]], scores)

    def answers_of(self, targets: Targets) -> list[Any]:
        """Targets in the form of `Predictions.answers`, or in another from which `encode` makes them again."""
        return [self.labels[number] for number in targets]

    def errors(self, predictions: Predictions, targets: Targets) -> NDArray[np.float64]:
        """How wrong each answer is, (N,); 0 where it is right."""
        apart = np.abs(np.asarray(self.encode(predictions.answers), np.float64) - targets)
        return np.asarray(apart.reshape(len(targets), -1).max(axis=1), np.float64)

    def counts(self, targets: Targets) -> NDArray[np.int64] | None:
        """Examples (K,) of each label; None where labels are not counted by example."""
        return np.bincount(targets, minlength=self.outputs)

    def balance(self, targets: Targets) -> NDArray[np.float64]:
        """Weights (K,) of the outputs that make up for imbalance; ones where the task has none."""
        del targets
        return np.ones(self.outputs)

    def moments(self, targets: Targets) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean (K,) and deviation (K,) that gradient descent takes the targets to have; zero and one for logits."""
        del targets
        return np.zeros(self.outputs), np.ones(self.outputs)

    def groups(self, targets: Targets) -> NDArray[np.int64] | None:
        """The group (N,) of each example when every one is of one group; None where examples have no such groups."""
        del targets
        return None

    def likeness(self, targets: torch.Tensor) -> torch.Tensor:
        """How alike the answers of each two examples are (N, N), from 0 to 1: here a Gaussian of their distance, in
        deviations of these targets (Dufumier et al. 2021)."""
        import torch

        numbers = targets.float().reshape(len(targets), -1)
        even = numbers / numbers.std(dim=0, correction=0).clamp(min=1e-6)
        return torch.exp(-0.5 * (even[:, None] - even[None]).square().mean(dim=2))

    def watch(self, scores: Scores, targets: Targets) -> float:
        """What training is watched by on the validation part: the primary metric, or what comes close to it where that
        would take contents or too long."""
        return self.value(self.decode(scores), targets)

    def value(self, predictions: Predictions, targets: Targets) -> float:
        """The primary metric."""
        metric = self.metric(predictions, targets)
        return float(metric.statistic(np.ones((1, len(targets))))[0])

    def metric(self, predictions: Predictions, targets: Targets) -> Metric:
        return next(metric for metric in self.metrics(predictions, targets) if metric.name == self.primary)

    def describe(self) -> dict[str, Any]:
        """What a run stores, to rebuild the task by `tasks.use`."""
        return {"kind": self.kind, "label": self.label, "labels": list(self.labels), "primary": self.primary}

    @classmethod
    def restored(cls, stored: Mapping[str, Any]) -> Task:
        """The task that `describe` gave."""
        return cls(
            **{**{name: value for name, value in stored.items() if name != "kind"}, "labels": tuple(stored["labels"])}
        )
