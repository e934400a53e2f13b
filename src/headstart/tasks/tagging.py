"""A tag for each word, so that words together are marked as names of persons, genes and the like."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.special import log_softmax

from headstart.core.errors import DataError
from headstart.core.ragged import joined, ragged
from headstart.data.modalities.text import Text, words_of
from headstart.data.tags import OUTSIDE, Span, is_tag, spans_of, written
from headstart.measure import retrieval
from headstart.measure.linear import LinearSolution
from headstart.tasks.baselines import Baseline
from headstart.tasks.choose import known_label
from headstart.tasks.classification import Classification
from headstart.tasks.contract import Task
from headstart.tasks.predictions import Metric, Predictions, Scores, Targets
from headstart.tasks.presenting import Retrieved

if TYPE_CHECKING:
    import torch

SURE = 10.0
"""Score of a baseline's tag above all others."""


@dataclass(frozen=True)
class Tagging(Task):
    """Targets (N,) of (P,): numbers of tags, one a word. Scores (N,) of (P, K): logits.

    Tags are kept in BIO, or in BIOES where the training labels have E- or S-; IOB1 is written anew as BIO.
    """

    kind: ClassVar[str] = "tagging"
    reads: ClassVar[Literal["pooled", "places"]] = "places"
    solvers: ClassVar[tuple[str, ...]] = Classification.solvers
    primary: str = "f1"

    @classmethod
    def from_labels(cls, label: str, values: Sequence[Any]) -> Tagging:
        every = {tag for tags in values for tag in _checked(tags, label)}
        kinds = sorted({tag[2:] for tag in every if tag != OUTSIDE})
        if not kinds:
            raise DataError(f"Column '{label}' marks no word: every tag is {OUTSIDE}. At least one has to be B-TYPE.")
        prefixes = "BIES" if any(tag[0] in "ES" for tag in every) else "BI"
        return cls(label, (OUTSIDE, *(f"{prefix}-{kind}" for kind in kinds for prefix in prefixes)))

    @property
    def _ends(self) -> bool:
        """Whether the last word of a span is told apart (BIOES)."""
        return any(tag[0] == "E" for tag in self.labels)

    @property
    def _by_word(self) -> Classification:
        """The same task with every word an example of its own."""
        return Classification(self.label, self.labels)

    def encode(self, values: Sequence[Any]) -> Targets:
        number = {tag: index for index, tag in enumerate(self.labels)}

        def one(tags: Any) -> NDArray[np.int64]:
            given = _checked(tags, self.label)
            rewritten = written(spans_of(given), len(given), ends=self._ends)
            unknown = next((tag for tag in rewritten if tag not in number), None)
            if unknown is not None:
                raise known_label(unknown, self.label, self.labels)
            return np.array([number[tag] for tag in rewritten], np.int64)

        return ragged(map(one, values))

    def solve(self, features: NDArray[np.float32], targets: Targets, solver: str) -> LinearSolution:
        """As for classes, every word an example: left-out scores leave out a word, not its sentence."""
        return self._by_word.solve(features, targets, solver)

    def soften(self, solution: LinearSolution, features: NDArray[np.float32], targets: Targets) -> LinearSolution:
        return self._by_word.soften(solution, features, targets)

    def calibrate(self, scores: Scores, targets: Targets) -> float:
        return self._by_word.calibrate(joined(scores), joined(targets))

    def left_out_loss(self, scores: Scores, targets: Targets) -> float:
        return self._by_word.left_out_loss(joined(scores), joined(targets))

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return self._by_word.loss(outputs, targets)

    def decode(self, scores: Scores) -> Predictions:
        """The likeliest sequence of tags that is a valid one (Viterbi with forbidden transitions). Its confidence is
        the geometric mean of the words' probabilities."""
        paths = []
        confidence = np.ones(len(scores))
        for row, own in enumerate(scores):
            logs = log_softmax(np.asarray(own, np.float64), axis=1)
            path = self._best_path(logs)
            paths.append([self.labels[tag] for tag in path])
            if len(path):
                confidence[row] = np.exp(logs[np.arange(len(path)), path].mean())
        return Predictions(scores, paths, None, confidence)

    def _best_path(self, logs: NDArray[np.float64]) -> NDArray[np.int64]:
        """Tags (P,) of the best valid sequence for logarithms of probabilities (P, K)."""
        follows, begins, ends = self._grammar
        best: NDArray[np.int64] = logs.argmax(axis=1)
        if not len(best):
            return best
        if begins[best[0]] == 0 and ends[best[-1]] == 0 and not follows[best[:-1], best[1:]].any():
            return best
        total = logs[0] + begins
        came_from = np.zeros(logs.shape, np.int64)
        for word in range(1, len(logs)):
            reached = total[:, None] + follows
            came_from[word] = reached.argmax(axis=0)
            total = reached.max(axis=0) + logs[word]
        path = np.zeros(len(logs), np.int64)
        path[-1] = (total + ends).argmax()
        for word in range(len(logs) - 1, 0, -1):
            path[word - 1] = came_from[word, path[word]]
        return path

    @cached_property
    def _grammar(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Costs, 0 or -inf: of each tag after each other (K, K), of a tag at the beginning and at the end (K,)."""
        allowed = np.array([[self._may_follow(before, tag) for tag in self.labels] for before in self.labels])
        begins = np.array([self._may_follow(OUTSIDE, tag) for tag in self.labels])
        ends = np.array([self._may_follow(tag, OUTSIDE) for tag in self.labels])
        follows, first, last = (np.where(one, 0.0, -np.inf) for one in (allowed, begins, ends))
        return follows, first, last

    def _may_follow(self, before: str, tag: str) -> bool:
        goes_on = tag[0] in "IE"
        if goes_on:
            return before[0] in "BI" and before[2:] == tag[2:]
        return not self._ends or before[0] not in "BI"

    def metrics(self, predictions: Predictions, targets: Targets) -> list[Metric]:
        found = self._spans_found(predictions.answers, targets)
        right, given, wanted = found.right, found.given, found.wanted
        same = np.array(
            [
                sum(one == other for one, other in zip(answer, truth, strict=True))
                for answer, truth in zip(predictions.answers, self.answers_of(targets), strict=True)
            ],
            np.float64,
        )
        words = np.array([len(truth) for truth in targets], np.float64)
        return [
            Metric("f1", "Span F1", retrieval.f1(right, given, wanted)),
            Metric("precision", "Span precision", retrieval.precision(right, given)),
            Metric("recall", "Span recall", retrieval.recall(right, wanted)),
            Metric("token_accuracy", "Word accuracy", retrieval.Ratio(same, words)),
        ]

    def retrieved(self, predictions: Predictions, targets: Targets) -> dict[str, Retrieved]:
        kinds = dict.fromkeys(tag[2:] for tag in self.labels if tag != OUTSIDE)
        return {kind: self._spans_found(predictions.answers, targets, kind) for kind in kinds}

    def _spans_found(self, answers: Sequence[list[str]], targets: Targets, kind: str | None = None) -> Retrieved:
        """Spans of each sentence (N,), of one type or all; a right one has the type and both ends."""

        def spans(tags: list[str]) -> set[Span]:
            return {span for span in spans_of(tags) if kind in (None, span[0])}

        pairs = zip(map(spans, answers), map(spans, self.answers_of(targets)), strict=True)
        counts = [(len(answer & truth), len(answer), len(truth)) for answer, truth in pairs]
        return Retrieved(*np.array(counts, np.float64).reshape(-1, 3).T)

    def shown(self, answer: Any, content: Any = None) -> list[str]:
        """The spans alone: `person: Anna Berg`, or without the content `person (words 1 to 2)`."""
        spans = spans_of(answer)
        if content is not None:
            words = _words(content)
            return [f"{kind}: {' '.join(words[first:behind])}" for kind, first, behind in spans]
        return [
            f"{kind} (word {first + 1})" if behind == first + 1 else f"{kind} (words {first + 1} to {behind})"
            for kind, first, behind in spans
        ]

    def errors(self, predictions: Predictions, targets: Targets) -> NDArray[np.float64]:
        """Spans that are missed or wrong."""
        found = self._spans_found(predictions.answers, targets)
        return found.given + found.wanted - 2 * found.right

    def counts(self, targets: Targets) -> None:
        """A sentence has no one label to be counted by."""
        del targets

    @property
    def arrow_type(self) -> pa.DataType:
        return pa.list_(pa.string())

    def answers_of(self, targets: Targets) -> list[Any]:
        return [[self.labels[tag] for tag in own] for own in targets]

    def baselines(self, targets: Targets) -> list[Baseline]:
        del targets
        return [WordBaseline("outside", f"No span at all (every word {OUTSIDE})", self._certain(OUTSIDE), {})]

    def baselines_of(self, targets: Targets, contents: Iterable[Any]) -> list[Baseline]:
        seen: dict[str, Counter[str]] = defaultdict(Counter)
        for content, tags in zip(contents, self.answers_of(targets), strict=True):
            for word, tag in zip(_words(content), tags, strict=True):
                seen[word][tag] += 1
        usual = {word: self._certain(tags.most_common(1)[0][0]) for word, tags in seen.items()}
        title = "The tag that each word had most often in training"
        return [*self.baselines(targets), WordBaseline("word", title, self._certain(OUTSIDE), usual)]

    def _certain(self, tag: str) -> NDArray[np.float64]:
        """Scores (1, K) that leave no doubt of `tag`."""
        return SURE * np.eye(self.outputs)[[self.labels.index(tag)]]


@dataclass(frozen=True)
class WordBaseline(Baseline):
    """Answers for each word by itself."""

    usual: Mapping[str, NDArray[np.float64]]
    """Scores (1, K) of the words that are known; all others get `scores`."""

    def answer(self, contents: Iterable[Any], count: int) -> Scores:
        del count
        return ragged(
            np.concatenate([self.usual.get(word, self.scores) for word in _words(content)]) for content in contents
        )


def _words(content: Any) -> list[str]:
    return words_of(Text().decode(content))


def _checked(tags: Any, label: str) -> list[str]:
    """The tags of a sentence.

    Raises:
        DataError: something else.
    """
    if isinstance(tags, str) or not all(map(is_tag, tags)):
        strange = tags if isinstance(tags, str) else next(tag for tag in tags if not is_tag(tag))
        raise DataError(
            f"Column '{label}' has '{strange}', and for tagging it has to hold a list of tags for each sentence, one a "
            "word: O, B-TYPE, I-TYPE, and E-TYPE or S-TYPE where they are used."
        )
    return list(tags)
