"""A text written in answer to a text: a translation, a summary, another spelling."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from headstart.core.errors import DataError
from headstart.core.ragged import ragged
from headstart.data.modalities.text import Text, plain
from headstart.measure import texts
from headstart.measure.scores import Proportion
from headstart.tasks.baselines import Baseline
from headstart.tasks.piecewise import Piecewise
from headstart.tasks.predictions import Metric, Numbers, Predictions, Scores, Targets

NOTHING = 0
"""In the place of a letter, where an answer has none."""
_BETWEEN_SENTENCES = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])")


@dataclass(frozen=True)
class Seq2Seq(Piecewise):
    """Targets (N,): texts. Scores (N,) of (P, 2): the letters of an answer (their numbers in Unicode), each beside the
    mean log-probability of the answer's pieces."""

    kind: ClassVar[str] = "seq2seq"
    own_head: ClassVar[str] = "seq2seq-lm"
    texts: ClassVar[bool] = True
    writes: ClassVar[bool] = True
    taught: ClassVar[bool] = True
    watched: ClassVar[str] = "Log-likelihood a piece"
    plain: ClassVar[str] = "and the answer to the nearest text of training"
    strengths: ClassVar[tuple[float, ...]] = (1.0,)
    primary: str = "chrf"

    @classmethod
    def from_labels(cls, label: str, values: Sequence[Any]) -> Seq2Seq:
        strange = next((value for value in values if not isinstance(value, str)), None)
        if strange is not None:
            raise DataError(
                f"Column '{label}' has {strange!r}, and for {cls.kind} it has to hold the texts to be written. "
                "Name the column of texts with --label."
            )
        return cls(label, ("letter", "log_probability"))

    def encode(self, values: Sequence[Any]) -> Targets:
        found = np.empty(len(values), object)
        found[:] = [str(value) for value in values]
        return found

    def numbers(self, targets: Targets) -> Numbers:
        """The letters of each text: what is learned are its pieces, which are inputs."""
        return np.array([len(text) for text in targets], np.float64)

    def score_written(self, answers: Sequence[str], log_probabilities: Sequence[float]) -> Scores:
        return ragged(
            np.array([(ord(letter), sure) for letter in answer] or [(NOTHING, sure)], np.float64)
            for answer, sure in zip(answers, log_probabilities, strict=True)
        )

    def decode(self, scores: Scores) -> Predictions:
        """The text, as sure as its pieces were on (geometric) average."""
        answers = ["".join(chr(int(letter)) for letter in own[:, 0] if letter != NOTHING) for own in scores]
        sure = np.exp(np.array([own[0, 1] for own in scores], np.float64))
        return Predictions(scores, answers, None, sure, is_probability=True)

    def watch(self, scores: Scores, targets: Targets) -> float:
        """In training nothing is written: how likely the true answers are."""
        del targets
        return -self.loss_a_piece(scores)

    def metrics(self, predictions: Predictions, targets: Targets) -> list[Metric]:
        answers, truths = predictions.answers, list(targets)
        rouge = texts.rouge(answers, truths)
        same = np.array([one.strip() == other.strip() for one, other in zip(answers, truths, strict=True)], np.float64)
        return [
            Metric("chrf", "chrF", texts.chrf(answers, truths)),
            Metric("bleu", "BLEU", texts.bleu(answers, truths)),
            Metric("rouge1", "ROUGE-1", rouge["rouge1"]),
            Metric("rouge2", "ROUGE-2", rouge["rouge2"]),
            Metric("rougeL", "ROUGE-L", rouge["rougeL"]),
            Metric("exact_match", "Exact match", Proportion(same)),
        ]

    def errors(self, predictions: Predictions, targets: Targets) -> NDArray[np.float64]:
        """What each answer lacks of a chrF of 100."""
        answers, truths = predictions.answers, list(targets)
        lacking = 100 - texts.chrf(answers, truths).by_item()
        return np.where([one == other for one, other in zip(answers, truths, strict=True)], 0.0, lacking)

    def answers_of(self, targets: Targets) -> list[Any]:
        return list(targets)

    def baselines_of(self, targets: Targets, contents: Iterable[Any]) -> list[Baseline]:
        del targets
        copies: list[Baseline] = [Copy("copy", "The text itself, as it is", np.zeros((1, 2)))]
        if any(first_sentence(text) != text for text in map(_asked, contents)):
            copies.append(FirstSentence("lead", "The first sentence of the text", np.zeros((1, 2))))
        return copies

    def fit_plain(self, features: Any, targets: Targets, strength: float) -> Callable[[Any], Scores]:
        """A translation memory: the answer to the nearest training text, as sure as both are alike (by cosine)."""
        del strength
        from sklearn.neighbors import NearestNeighbors

        memory = NearestNeighbors(n_neighbors=1, metric="cosine").fit(features)

        def answer(others: Any) -> Scores:
            distances, rows = memory.kneighbors(others)
            sure = np.log(np.maximum(1 - distances[:, 0], 1e-9))
            return self.score_written([targets[row] for row in rows[:, 0]], sure.tolist())

        return answer


@dataclass(frozen=True)
class Copy(Baseline):
    """Answers with what was asked."""

    def answer(self, contents: Iterable[Any], count: int) -> Scores:
        del count
        return _surely(self.of(_asked(content)) for content in contents)

    def of(self, text: str) -> str:
        return text


@dataclass(frozen=True)
class FirstSentence(Copy):
    """Answers with the first sentence of what was asked: hard to beat where texts say first what matters most."""

    def of(self, text: str) -> str:
        return first_sentence(text)


def first_sentence(text: str) -> str:
    return _BETWEEN_SENTENCES.split(text.strip(), maxsplit=1)[0]


def _asked(content: Any) -> str:
    return plain(Text().decode(content))


def _surely(texts: Iterable[str]) -> Scores:
    answers = list(texts)
    return Seq2Seq("", ()).score_written(answers, [0.0] * len(answers))
