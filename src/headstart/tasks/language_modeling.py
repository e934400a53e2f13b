"""How well texts are predicted, piece by piece: the next one (causal) or the hidden ones (masked). No labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from headstart.measure.scores import Statistic
from headstart.tasks.baselines import Baseline
from headstart.tasks.piecewise import WANTED, Piecewise
from headstart.tasks.predictions import Metric, Predictions, Scores, Targets


@dataclass(frozen=True)
class LanguageModeling(Piecewise):
    """Targets (N,): letters of each text. Scores (N, 2): summed negative log-likelihood in nats, and predicted pieces.

    All measures are ratios of sums over texts, so that they can be made anew for every resample of the texts.
    """

    kind: ClassVar[str] = "language-modeling"
    own_head: ClassVar[str] = "causal-lm"
    labelled: ClassVar[bool] = False
    plain: ClassVar[str] = ""
    answers: ClassVar[str] = "perplexity"
    looks_at: ClassVar[Literal["contents", "inputs"]] = "inputs"
    primary: str = "log_likelihood"

    @classmethod
    def from_labels(cls, label: str, values: Sequence[Any]) -> LanguageModeling:
        del values
        return cls(label, ("loss", "pieces"))

    def encode(self, values: Sequence[Any]) -> Targets:
        return np.asarray(values, np.float64)

    def decode(self, scores: Scores) -> Predictions:
        """The answer to a text is its perplexity."""
        each = scores[:, 0] / np.maximum(scores[:, 1], 1)
        return Predictions(scores, [float(value) for value in np.exp(np.minimum(each, 700))], None, np.exp(-each))

    def metrics(self, predictions: Predictions, targets: Targets) -> list[Metric]:
        loss, pieces = predictions.scores[:, 0], predictions.scores[:, 1]
        a_piece = _ratio(loss, pieces)
        a_letter = _ratio(loss, np.asarray(targets, np.float64) * np.log(2))
        return [
            Metric("log_likelihood", "Log-likelihood a piece", lambda weights: -a_piece(weights)),
            Metric("perplexity", "Perplexity", lambda weights: np.exp(a_piece(weights)), greater_is_better=False),
            *self._by_letters(a_letter),
        ]

    def _by_letters(self, statistic: Statistic) -> list[Metric]:
        return [Metric("bits_per_character", "Bits a character", statistic, greater_is_better=False)]

    @property
    def arrow_type(self) -> pa.DataType:
        return pa.float64()

    def answers_of(self, targets: Targets) -> list[Any]:
        return [float(letters) for letters in targets]

    def shown(self, answer: Any, content: Any = None) -> str:
        del content
        return f"perplexity {answer:.4g}"

    def errors(self, predictions: Predictions, targets: Targets) -> NDArray[np.float64]:
        """Texts are sorted by how much they surprise."""
        del targets
        return np.asarray(np.log(predictions.answers), np.float64)

    def baselines_of(self, targets: Targets, contents: Iterable[Any]) -> list[Baseline]:
        """How often each piece occurs, with add-one smoothing over the pieces seen and one place for all others."""
        del targets
        pieces = np.concatenate([_wanted(inputs) for inputs in contents])
        counts = np.append(np.bincount(pieces, minlength=1), 0) + 1.0
        surprise = -np.log(counts / counts.sum())
        return [PieceBaseline("unigram", "How often each piece occurs", surprise[None])]


@dataclass(frozen=True)
class PieceBaseline(Baseline):
    """The same probability of a piece wherever it stands; `scores`: (1, V), the surprise of each, in nats."""

    def answer(self, contents: Iterable[Any], count: int) -> Scores:
        del count
        surprise = self.scores[0]
        rows = [np.minimum(_wanted(inputs), len(surprise) - 1) for inputs in contents]
        return np.array([[surprise[row].sum(), len(row)] for row in rows])


@dataclass(frozen=True)
class MaskedLanguageModeling(LanguageModeling):
    """The same of hidden pieces: 15 % of each text, always the same ones when it is judged (Devlin et al. 2019)."""

    kind: ClassVar[str] = "masked-language-modeling"
    own_head: ClassVar[str] = "masked-lm"

    def _by_letters(self, statistic: Statistic) -> list[Metric]:
        """None: only some of the letters are predicted."""
        del statistic
        return []


def _wanted(inputs: Mapping[str, Any]) -> NDArray[np.int64]:
    values = np.asarray(inputs[WANTED], np.int64)
    return values[values >= 0]


def _ratio(above: NDArray[np.float64], below: NDArray[np.float64]) -> Statistic:
    def statistic(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray((weights @ above) / np.maximum(weights @ below, 1e-9), np.float64)

    return statistic
