"""Answers to questions that stand in a context, or that there is none: a start and an end among the context's words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from headstart.core.errors import DataError, StrategyError
from headstart.core.ragged import joined, ragged
from headstart.data.answers import TYPE, Accepted, is_cell
from headstart.data.modalities.text import Text, question_and_context, word_places
from headstart.measure.answers import exact_match, overlap_f1
from headstart.measure.calibration import shrinkage
from headstart.measure.linear import FloatArray, LinearSolution
from headstart.measure.ridge import fit_ridge
from headstart.measure.scores import Mean, MeanAmong, Proportion
from headstart.measure.spans import Span, fit_mixture, fit_scale, likeliest, span_losses
from headstart.tasks.baselines import Baseline
from headstart.tasks.contract import Task
from headstart.tasks.guessing import NeverAnswers, fit_guesses
from headstart.tasks.predictions import Metric, Numbers, Predictions, Scores, Targets

if TYPE_CHECKING:
    import torch

LONGEST = 30
"""Most words of an answer."""
OTHERS = 16
"""Places of an example, besides those that mark something, from which the closed form learns what is no answer."""
NOTHING = "no answer"
"""How an empty answer is shown."""


@dataclass(frozen=True)
class QuestionAnswering(Task):
    """Targets (N,) of `Accepted`. Numbers (N,) of (P, 3): whether an accepted answer starts at a place, ends there, and
    whether it is the place for "no answer", which is the first of each example. Scores (N,) of (P, 2): logits."""

    kind: ClassVar[str] = "question-answering"
    reads: ClassVar[Literal["pooled", "places"]] = "places"
    solvers: ClassVar[tuple[str, ...]] = ("ridge",)
    together: ClassVar[tuple[str, ...]] = ("question", "context")
    primary: str = "f1"

    @classmethod
    def from_labels(cls, label: str, values: Sequence[Any]) -> QuestionAnswering:
        if not any(_checked(value, label).texts for value in values):
            raise DataError(f"Column '{label}' has no answer to any question. At least one has to be there.")
        return cls(label, ("start", "end"))

    def encode(self, values: Sequence[Any]) -> Targets:
        targets = np.empty(len(values), object)
        targets[:] = [_checked(value, self.label) for value in values]
        return targets

    def numbers(self, targets: Targets) -> Numbers:
        return ragged(map(_marks, targets))

    def solve(self, features: NDArray[np.float32], targets: Numbers, solver: str) -> LinearSolution:
        """Ridge to four flags of a place (an answer starts there, ends there; there is no answer; the place for that),
        whose left-out scores are then mixed into a start and an end of the lowest loss.

        It learns from all that is marked and some other places, weighed up to all; left-out scores leave out a place.
        """
        if solver not in ("best", "ridge"):
            raise StrategyError(f"{self.kind} has no solver '{solver}'. Known: ridge.")
        flags, first = targets[:, :2], targets[:, 2]
        kept, weights = _sample(flags, first)
        wanted = np.stack([*(flags.T & ~first), flags[:, 0] & first, first], axis=1).astype(np.float64)
        solution = fit_ridge(features[kept], wanted[kept], weights=weights)
        left_out = _scores(features, solution)
        left_out[kept] = solution.left_out
        mixture = fit_mixture(left_out, flags, first)
        return LinearSolution(
            solution.weight @ mixture,
            solution.bias @ mixture,
            left_out @ mixture,
            solution.solver,
            solution.penalty,
            solution.path,
        )

    def soften(self, solution: LinearSolution, features: NDArray[np.float32], targets: Numbers) -> LinearSolution:
        own = _scores(features, solution)
        wanted = self.left_out_loss(solution.left_out, targets)
        return solution.scaled(shrinkage(lambda factor: self.left_out_loss(factor * own, targets), wanted))

    def calibrate(self, scores: Scores, targets: Numbers) -> float:
        """The temperature's inverse for start and end."""
        marks = joined(targets)
        return fit_scale(joined(scores), marks[:, :2], marks[:, 2])

    def left_out_loss(self, scores: Scores, targets: Numbers) -> float:
        marks = joined(targets)
        return float(span_losses(joined(scores), marks[:, :2], marks[:, 2]).mean())

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """(N,) of the N examples whose places follow each other: see `headstart.measure.spans.span_losses`."""
        flags, example = targets[:, :2], targets[:, 2].long().cumsum(0) - 1
        scores = outputs.float()
        wanted = _log_sums(scores.masked_fill(~flags, -np.inf), example)
        return (_log_sums(scores, example) - wanted).mean(dim=1)

    def decode(self, scores: Scores) -> Predictions:
        """The answers are spans: first and last word, or None."""
        found = [likeliest(own, LONGEST) for own in scores]
        answers = [None if span.first < 0 else (span.first, span.last) for span in found]
        return Predictions(scores, answers, None, _sureness(found), is_probability=True)

    def answer(self, scores: Scores, contents: Iterable[Any]) -> Predictions:
        """The answers as they stand in the contexts; empty where there is none."""
        found = self.decode(scores)
        texts = [_slice(content, span) for content, span in zip(contents, found.answers, strict=True)]
        return Predictions(scores, texts, None, found.confidence, is_probability=True)

    def watch(self, scores: Scores, targets: Targets) -> float:
        """F1 of words by where they stand, without a look at the texts."""
        spans = self.decode(scores).answers
        return float(np.mean([_shared(span, accepted) for span, accepted in zip(spans, targets, strict=True)]))

    def metrics(self, predictions: Predictions, targets: Targets) -> list[Metric]:
        pairs = list(zip(predictions.answers, targets, strict=True))
        exact = np.array([exact_match(answer, accepted.texts) for answer, accepted in pairs])
        shared = np.array([overlap_f1(answer, accepted.texts) for answer, accepted in pairs])
        has_answer = np.array([bool(accepted.texts) for _, accepted in pairs])
        return [
            Metric("f1", "F1", Mean(shared)),
            Metric("exact_match", "Exact match", Proportion(exact)),
            Metric("answered_f1", "F1 where there is an answer", MeanAmong(shared, has_answer)),
            Metric("unanswered_accuracy", "Right where there is none", MeanAmong(exact, ~has_answer)),
        ]

    @property
    def truth_type(self) -> pa.DataType:
        return TYPE

    def answers_of(self, targets: Targets) -> list[Any]:
        return [accepted.cell() for accepted in targets]

    def shown(self, answer: Any, content: Any = None) -> str:
        del content
        accepted = [answer] if isinstance(answer, str) else list(dict.fromkeys(answer["texts"]))
        return " / ".join(accepted) or NOTHING

    def errors(self, predictions: Predictions, targets: Targets) -> FloatArray:
        return np.array([1 - overlap_f1(*pair) for pair in _texts(predictions, targets)])

    def counts(self, targets: Targets) -> None:
        """A question has no label to be counted by."""
        del targets

    def baselines(self, targets: Targets) -> list[Baseline]:
        del targets
        return [NeverAnswers("never", "No answer to anything", np.zeros((1, 2)))]

    def baselines_of(self, targets: Targets, contents: Iterable[Any]) -> list[Baseline]:
        return [*self.baselines(targets), fit_guesses(contents, [accepted.texts for accepted in targets], LONGEST)]


def _checked(value: Any, label: str) -> Accepted:
    if not is_cell(value):
        raise DataError(
            f"Column '{label}' has '{value}', and for question answering it has to hold answers as SQuAD has them, "
            "{'text': [...], 'answer_start': [...]}, beside columns with a question and its context."
        )
    return Accepted.of_cell(value)


def _marks(accepted: Accepted) -> NDArray[np.bool_]:
    marks = np.zeros((1 + accepted.words, 3), bool)
    marks[0, 2] = True
    for first, last in accepted.spans or ((-1, -1),):  # the place for "no answer" comes before the first word
        marks[1 + first, 0] = marks[1 + last, 1] = True
    return marks


def _sample(flags: NDArray[np.bool_], first: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], FloatArray]:
    """Which places (T,) are learned from, and their weights: all that is marked, and others evenly spread."""
    starts = np.flatnonzero(first)
    counts = np.diff(np.append(starts, len(first)))
    order = np.arange(len(first)) - np.repeat(starts, counts)
    marked = flags.any(axis=1) | first
    kept = marked | (order % np.repeat(-(-counts // OTHERS), counts) == 0)
    others = int((kept & ~marked).sum())
    weights = np.where(marked, 1.0, (~marked).sum() / max(1, others))
    return kept, weights[kept]


def _scores(features: NDArray[np.float32], solution: LinearSolution) -> FloatArray:
    """Scores (T, K), without a copy of the features in double precision."""
    return np.asarray(features @ solution.weight.astype(np.float32), np.float64) + solution.bias


def _log_sums(scores: torch.Tensor, example: torch.Tensor) -> torch.Tensor:
    """Logarithm (N, 2) of the sum of exp(scores) over the places of each example (T,)."""
    import torch

    shape = int(example[-1]) + 1, scores.shape[1]
    where = example[:, None].expand_as(scores)
    highest = torch.full(shape, -np.inf).scatter_reduce(0, where, scores.detach(), "amax")
    return highest + torch.zeros(shape).index_add(0, example, (scores - highest[example]).exp()).log()


def _sureness(found: Sequence[Span]) -> FloatArray:
    return np.array([span.probability for span in found])


def _slice(content: Any, span: tuple[int, int] | None) -> str:
    if span is None:
        return ""
    _, context = question_and_context(Text().decode(content))
    places = word_places(context)
    return context[places[span[0]][0] : places[span[1]][1]]


def _shared(span: tuple[int, int] | None, accepted: Accepted) -> float:
    """F1 of the words of a span and of the accepted one that it shares most with."""
    if span is None or not accepted.spans:
        return float(span is None and not accepted.spans)
    first, last = span
    return max(
        2 * max(0, min(last, end) - max(first, begin) + 1) / (last - first + end - begin + 2)
        for begin, end in accepted.spans
    )


def _texts(predictions: Predictions, targets: Targets) -> list[tuple[str, tuple[str, ...]]]:
    return [(answer, accepted.texts) for answer, accepted in zip(predictions.answers, targets, strict=True)]
