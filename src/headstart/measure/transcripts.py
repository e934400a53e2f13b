"""Errors of transcripts, counted by jiwer for each of them, so that intervals can be made from the counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from headstart.measure.linear import FloatArray
from headstart.measure.retrieval import Ratio


@dataclass(frozen=True)
class Errors:
    """Counts (N,) by transcript: substitutions, deletions and insertions together, and what the truth has."""

    wrong: FloatArray
    there: FloatArray

    @property
    def rate(self) -> Ratio:
        """Errors over what is there; above 1 where more is inserted than there is."""
        return Ratio(self.wrong, self.there)

    @property
    def accuracy(self) -> Ratio:
        """One minus the rate."""
        return Ratio(self.there - self.wrong, self.there)


def word_errors(answers: Sequence[str], truths: Sequence[str]) -> Errors:
    import jiwer

    return _errors(jiwer.process_words, answers, truths)


def letter_errors(answers: Sequence[str], truths: Sequence[str]) -> Errors:
    """Of letters, spaces included."""
    import jiwer

    return _errors(jiwer.process_characters, answers, truths)


def _errors(count: Callable[..., Any], answers: Sequence[str], truths: Sequence[str]) -> Errors:
    found = [count([truth], [answer]) for answer, truth in zip(answers, truths, strict=True)]
    wrong = [one.substitutions + one.deletions + one.insertions for one in found]
    there = [one.hits + one.substitutions + one.deletions for one in found]
    return Errors(np.array(wrong, np.float64), np.array(there, np.float64))
