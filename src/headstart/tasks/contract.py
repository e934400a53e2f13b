"""What every task gives: targets from labels, a closed-form head, a loss, predictions, metrics, baselines."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from headstart.core.errors import RecipeError
from headstart.core.ragged import joined, like
from headstart.data.contents import Told
from headstart.data.table import Examples
from headstart.measure.linear import LinearSolution
from headstart.measure.scores import Statistic

if TYPE_CHECKING:
    import torch

Scores = NDArray[np.float64]
"""(N, K): what a head gives, before decoding (logits, or the numbers themselves); of a task that reads places, an
object array (N,) of (P, K)."""
Targets = NDArray[Any]
"""(N,) or (N, K): labels as the task's metrics take them; of a task that reads places, (N,) of (P, …)."""
Numbers = NDArray[Any]
"""(N,) or (N, K), or (N,) of (P, …): targets as loss and solvers take them."""


KnownHead = tuple[str, NDArray[np.float64], NDArray[np.float64]]
"""Title, weight (D, K) and bias (K,) of a head that answers already."""


@dataclass(frozen=True)
class Metric:
    """One measure of predictions, on stored per-item values so that intervals can be made from it."""

    name: str
    title: str
    statistic: Statistic
    """Weights of items (R, N) -> values (R,)."""
    greater_is_better: bool = True


@dataclass(frozen=True)
class Predictions:
    """Decoded answers for N examples."""

    scores: Scores
    answers: list[Any]
    """One Python value an example: a label, a list of labels, a number, a tag for each word."""
    probabilities: NDArray[np.float64] | None
    """(N, K) where the task has them."""
    confidence: NDArray[np.float64]
    """(N,) how sure the answer is; for sorting mistakes."""
    is_probability: bool = False
    """Whether `confidence` is the probability that the answer is right, rather than a measure to sort by."""

    @property
    def tells_confidence(self) -> bool:
        """Whether the surest mistakes are those to look at first."""
        return self.is_probability or self.probabilities is not None


@dataclass(frozen=True)
class Baseline:
    """A way to answer that costs nothing and knows no source."""

    name: str
    title: str
    scores: Scores
    """(1, K): the same answer for every example; or (N, K)."""

    def answer(self, contents: Iterable[Any], count: int) -> Scores:
        """Scores of `count` examples, whose contents (see `Task.baselines_of`) need not be looked at."""
        del contents
        return np.repeat(self.scores, count, axis=0)


@dataclass(frozen=True)
class Course:
    """A forecast beside what went ahead and what came, all in the series' own units."""

    past: NDArray[np.float64]
    """(T,)"""
    low: NDArray[np.float64]
    """(H,), as middle and high."""
    middle: NDArray[np.float64]
    high: NDArray[np.float64]
    truth: NDArray[np.float64]
    """(H,), nan where missing."""


@dataclass(frozen=True)
class Retrieved:
    """Counts (N,) by example: how often a label was rightly answered, answered, and wanted."""

    right: NDArray[np.float64]
    given: NDArray[np.float64]
    wanted: NDArray[np.float64]


@dataclass(frozen=True)
class Task(ABC):
    """What one head answers. `kind` names it in the registry; `label` is the column it learns."""

    label: str
    labels: tuple[str, ...]
    """Names of the outputs, in order."""
    kind: ClassVar[str]
    reads: ClassVar[Literal["pooled", "places", "ahead"]] = "pooled"
    """What the head reads: one vector an example, one at each place that is answered, such as each word, or one of the
    latest values of a series. Scores,
    targets and answers at places differ in length between examples; `solve` and `loss` get all places of all
    examples in a row, (T, D) and (T, K)."""
    primary: str
    """Name of the metric that decides the verdict; greater is better."""
    solvers: ClassVar[tuple[str, ...]]
    """Closed-form ways to fit the head, the first tried by default; none where there is no closed form."""
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
    taught: ClassVar[bool] = False
    """Whether what is to be answered is an input in training and validation, see `Source.taught`."""
    options: ClassVar[tuple[str, ...]] = ()
    """Options of `adapt` that other kinds of task do not have."""
    reader: ClassVar[str] = ""
    """The reader that a target needs whose form alone does not tell."""
    looks_at: ClassVar[Literal["contents", "inputs"]] = "contents"
    """What trivial baselines are shown: contents, or the inputs that the source makes of them."""
    looks_ahead: ClassVar[bool] = False
    """Whether examples are stretches of series, with what comes next as their labels."""
    each_step: ClassVar[bool] = False
    """Whether every step of a series is an example, and its label whether something happened there."""
    untrained: ClassVar[bool] = True
    """Whether the source's own head can answer before anything was learned from the target."""
    goes_on: ClassVar[bool] = False
    """Whether a head in closed form departs from the source's own, where that answers the same: see `solve_from`."""
    of_kinds: ClassVar[bool] = False
    """Whether labels are names of kinds, and an example is of one of them."""
    answers_apart: ClassVar[bool] = True
    """Whether two labels are never one answer of a source's own."""
    plain: ClassVar[str] = "with a linear model"
    """What is done with hand-made features (see `fit_plain`), behind their name; empty where nothing is."""
    strengths: ClassVar[tuple[float, ...]] = (1.0, 10.0, 100.0)
    """Inverse strengths of the penalty that are tried on them."""
    things: ClassVar[str] = ""
    """What people call its examples; empty where they go by what they hold, such as images."""
    watched: ClassVar[str] = ""
    """Title of what `watch` gives; empty where it is the primary metric."""

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

    @abstractmethod
    def solve(self, features: NDArray[np.float32], targets: Numbers, solver: str) -> LinearSolution:
        """The head in closed form, calibrated, with its left-out scores."""

    def solve_from(
        self, features: NDArray[np.float32], targets: Numbers, starts: Sequence[KnownHead]
    ) -> LinearSolution:
        """The same, drawn towards heads that answer already."""
        raise NotImplementedError(f"{self.kind} does not go on from a head")

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

    def fit_plain(self, features: Any, targets: Targets, strength: float) -> Callable[[Any], Scores] | None:
        """What a pragmatist makes of hand-made features (N, D), sparse or dense, such as a linear model: from features
        to scores (N, K). None where the task has none.

        Args:
            strength: inverse strength of the penalty.
        """
        del features, targets, strength
        return None

    def soften(self, solution: LinearSolution, features: NDArray[np.float32], targets: Numbers) -> LinearSolution:
        """The head as a start for training: where it fits its own examples too well to leave a gradient, less sure."""
        del features, targets
        return solution

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

    @abstractmethod
    def left_out_loss(self, scores: Scores, targets: Numbers) -> float:
        """One number to choose by among solutions' left-out scores; lower is better."""

    @abstractmethod
    def baselines(self, targets: Targets) -> list[Baseline]:
        """Trivial answers from the training targets alone."""

    def baselines_of(self, targets: Targets, contents: Iterable[Any]) -> list[Baseline]:
        """The same, where they may also look at the training examples: see `looks_at`."""
        del contents
        return self.baselines(targets)

    def rivals(self, train: Told, validation: Told, fit: Told, asked: int) -> tuple[list[Baseline], list[str]]:
        """What people of the field would fit without a source and without a network, and sentences about what of that
        is left out; what there is to choose is chosen on `validation`.

        Args:
            asked: how many examples they will answer.
        """
        del train, validation, fit, asked
        return [], []

    def reordered(self, scores: Scores, labels: Sequence[str]) -> Scores:
        """Scores whose outputs are in the order of `labels`, with them in the order of this task's own."""
        order = [labels.index(name) for name in self.labels]
        return like(joined(scores)[:, order], scores)

    @property
    def arrow_type(self) -> pa.DataType:
        """Of a column of answers."""
        return pa.string()

    @property
    def truth_type(self) -> pa.DataType:
        """Of a column of what `answers_of` gives."""
        return self.arrow_type

    def answers_of(self, targets: Targets) -> list[Any]:
        """Targets in the form of `Predictions.answers`, or in another from which `encode` makes them again."""
        return [self.labels[number] for number in targets]

    def shown(self, answer: Any) -> Any:
        """An answer, or what `answers_of` gives, as a list of mistakes shows it: a label, labels, or a number."""
        return answer

    def course(self, content: Any, answer: Any, truth: Any) -> Course | None:
        """What is drawn of an example, its answer, and what `answers_of` gives of its target; none where the example
        itself is shown."""
        del content, answer, truth
        return None

    def laid_out(self, ids: Sequence[str], predictions: Predictions) -> dict[str, Any]:
        """Columns of a table of answers, where it has other rows than one an example; else none."""
        del ids, predictions
        return {}

    def errors(self, predictions: Predictions, targets: Targets) -> NDArray[np.float64]:
        """How wrong each answer is, (N,); 0 where it is right."""
        apart = np.abs(np.asarray(self.encode(predictions.answers), np.float64) - targets)
        return np.asarray(apart.reshape(len(targets), -1).max(axis=1), np.float64)

    def counts(self, targets: Targets) -> NDArray[np.int64] | None:
        """Examples (K,) of each label; None where labels are not counted by example."""
        return np.bincount(targets, minlength=self.outputs)

    def retrieved(self, predictions: Predictions, targets: Targets) -> dict[str, Retrieved]:
        """For each label (or type of span) what was found of it; empty where answers are no labels."""
        del predictions, targets
        return {}

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
