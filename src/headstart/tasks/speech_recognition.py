"""What is said in a recording, letter by letter: connectionist temporal classification (Graves et al. 2006)."""

from __future__ import annotations

import itertools
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from headstart.core.errors import DataError
from headstart.core.ragged import ragged
from headstart.data.batches import ahead
from headstart.data.contents import contents_of
from headstart.data.table import Examples
from headstart.measure import transcripts
from headstart.measure.ctc import BLANK, NO_LETTER, best_path, prefix_search
from headstart.measure.scores import Proportion
from headstart.tasks.baselines import Baseline
from headstart.tasks.contract import Task
from headstart.tasks.predictions import Metric, Numbers, Predictions, Scores, Targets

if TYPE_CHECKING:
    import torch

SURE = 10.0
"""Score of a baseline's letter above all others."""


@dataclass(frozen=True)
class SpeechRecognition(Task):
    """Targets (N,): transcripts. Scores (N,) of (P, K): logits of the blank and of each letter, at each moment."""

    kind: ClassVar[str] = "speech-recognition"
    reads: ClassVar[Literal["pooled", "places"]] = "places"
    aligned: ClassVar[bool] = False
    texts: ClassVar[bool] = True
    plain: ClassVar[str] = ""
    usual_strategy: ClassVar[str] = "finetune"
    usual_source: ClassVar[str] = "builtin/speech-tiny"
    primary: str = "character_accuracy"
    beams: int = 1
    """Beginnings of transcripts that are followed at once; 1 takes the likeliest letter of each moment."""

    @classmethod
    def columns(cls, label: str | None, content: str | None) -> tuple[str | None, str | None]:
        """The column of texts is what is learned; recordings are known by their paths."""
        return (label, content) if label is not None else (content, None)

    @classmethod
    def from_labels(cls, label: str, values: Sequence[Any]) -> SpeechRecognition:
        strange = next((value for value in values if not isinstance(value, str)), None)
        if strange is not None:
            raise DataError(
                f"Column '{label}' has {strange!r}, and for {cls.kind} it has to hold what is said in each recording. "
                "Name the column of transcripts with --text."
            )
        letters = sorted(set("".join(map(as_said, values))))
        if not letters:
            raise DataError(f"Column '{label}' has no letters. Name the column of transcripts with --text.")
        return cls(label, (NO_LETTER, *letters))

    def searching(self, beams: int | None) -> SpeechRecognition:
        return self if beams is None else replace(self, beams=beams)

    def describe(self) -> dict[str, Any]:
        return {**super().describe(), "beams": self.beams}

    def encode(self, values: Sequence[Any]) -> Targets:
        found = np.empty(len(values), object)
        found[:] = [as_said(str(value)) for value in values]
        return found

    def numbers(self, targets: Targets) -> Numbers:
        """The letters of each transcript and a blank behind them; letters that training did not have are left out."""
        known = {letter: number for number, letter in enumerate(self.labels)}
        return ragged(
            np.array([*(known[letter] for letter in text if letter in known), BLANK], np.int64) for text in targets
        )

    def remarks(self, places: Callable[[Any], int], examples: Examples) -> list[str]:
        """Of recordings that are too short for what they are said to hold: a moment tells one letter at most, and two
        equal ones have another between them."""
        texts = self.encode(examples.labels(self.label))
        wanted = np.array([len(text) + sum(one == other for one, other in itertools.pairwise(text)) for text in texts])
        short = np.array(list(ahead(places, contents_of(examples)))) < wanted
        if not short.any():
            return []
        first = examples.ids()[int(np.flatnonzero(short)[0])]
        return [
            f"{short.sum()} of {len(short)} recordings to learn from are too short for the letters of their "
            f"transcripts, such as {first}; nothing is learned from these. Are these the right transcripts?"
        ]

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Of one recording."""
        import torch

        return self.losses(outputs, targets, torch.tensor([len(outputs)]))

    def losses(self, outputs: torch.Tensor, targets: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
        """(N,) a letter, of N recordings that have `places` (N,) moments each; transcripts end in a blank. One that has
        more letters than moments costs nothing."""
        import torch
        from torch.nn import functional

        each = torch.split(functional.log_softmax(outputs.float(), dim=1), places.tolist())
        logs = torch.nn.utils.rnn.pad_sequence(list(each))
        ends = (targets == BLANK).nonzero()[:, 0]
        counts = torch.diff(ends, prepend=ends.new_tensor([-1])) - 1
        letters = targets[targets != BLANK]
        found = functional.ctc_loss(logs, letters, places, counts, BLANK, reduction="none", zero_infinity=True)
        return found / counts.clamp(min=1)

    def decode(self, scores: Scores) -> Predictions:
        """The transcripts; as sure as their moments were on (geometric) average."""
        answers, sure = [], np.ones(len(scores))
        for row, own in enumerate(scores):
            logs = log_softmax(np.asarray(own, np.float64), axis=1)
            found = best_path(logs) if self.beams == 1 else prefix_search(logs, self.beams)
            answers.append(as_said("".join(self.labels[number] for number in found)))
            sure[row] = np.exp(logs.max(axis=1).mean()) if len(logs) else 1.0
        return Predictions(scores, answers, None, sure)

    def watch(self, scores: Scores, targets: Targets) -> float:
        return self.value(replace(self, beams=1).decode(scores), targets)

    def metrics(self, predictions: Predictions, targets: Targets) -> list[Metric]:
        answers, truths = predictions.answers, list(targets)
        letters, words = transcripts.letter_errors(answers, truths), transcripts.word_errors(answers, truths)
        same = np.array([one == other for one, other in zip(answers, truths, strict=True)], np.float64)
        return [
            Metric("character_accuracy", "Character accuracy", letters.accuracy),
            Metric("character_error_rate", "Character error rate", letters.rate, greater_is_better=False),
            Metric("word_error_rate", "Word error rate", words.rate, greater_is_better=False),
            Metric("exact_match", "Whole transcript right", Proportion(same)),
        ]

    def errors(self, predictions: Predictions, targets: Targets) -> NDArray[np.float64]:
        """Letters that are wrong."""
        return transcripts.letter_errors(predictions.answers, list(targets)).wrong

    def counts(self, targets: Targets) -> None:
        """A transcript is of no class."""
        del targets

    def answers_of(self, targets: Targets) -> list[Any]:
        return list(targets)

    def baselines(self, targets: Targets) -> list[Baseline]:
        usual, _ = Counter(targets).most_common(1)[0]
        return [
            Always("empty", "Nothing at all", self._spelled("")),
            Always("usual", "The transcript that training has most often", self._spelled(usual)),
        ]

    def _spelled(self, text: str) -> Scores:
        """Scores (P, K) from which `decode` reads `text`."""
        moments = [BLANK, *(number for letter in text for number in (self.labels.index(letter), BLANK))]
        return SURE * np.eye(self.outputs)[moments]


@dataclass(frozen=True)
class Always(Baseline):
    """The same transcript for every recording."""

    def answer(self, contents: Iterable[Any], count: int) -> Scores:
        del contents
        return ragged([self.scores] * count)


def as_said(text: str) -> str:
    """Without a choice of how letters are composed (Unicode's NFC) and of spaces; all else is as it was written."""
    return " ".join(unicodedata.normalize("NFC", text).split())
