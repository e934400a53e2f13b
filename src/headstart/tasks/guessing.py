"""Answers that cost nothing: none at all, or a name or number from the sentence that is most like the question."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from headstart.core.ragged import ragged
from headstart.data.modalities.text import Text, question_and_context, word_places
from headstart.measure.answers import overlap_f1
from headstart.measure.linear import FloatArray
from headstart.tasks.baselines import Baseline
from headstart.tasks.predictions import Scores

SURE = 20.0
"""Score of a baseline's start and end above all others."""
LETTERS = 4
"""Words of a question that have at least so many letters are looked for."""
THRESHOLDS = tuple(step / 10 for step in range(12))
"""Of the share of the question's words that a sentence has to have; the last one is never reached."""


@dataclass(frozen=True)
class NeverAnswers(Baseline):
    """No answer to any question."""

    def answer(self, contents: Iterable[Any], count: int) -> Scores:
        del count
        return ragged(_certain(len(guess.places), None) for guess in map(guessed, contents))


@dataclass(frozen=True)
class Guesses(Baseline):
    """A name or number from the sentence that shares most words with the question, or no answer."""

    threshold: float
    """Share of the question's words that the sentence has to have."""
    longest: int
    """Most words of an answer."""

    def answer(self, contents: Iterable[Any], count: int) -> Scores:
        del count
        return ragged(
            _certain(len(guess.places), guess.span(self.longest) if guess.share >= self.threshold else None)
            for guess in map(guessed, contents)
        )


@dataclass(frozen=True)
class Guess:
    """What can be said of a question without knowing any language."""

    context: str
    places: list[tuple[int, int]]
    """Of the context's words."""
    first: int
    last: int
    share: float
    """Of the question's words that the sentence with this answer has."""

    def span(self, longest: int) -> tuple[int, int]:
        return self.first, min(self.last, self.first + longest - 1)

    def text(self, longest: int) -> str:
        first, last = self.span(longest)
        return self.context[self.places[first][0] : self.places[last][1]]


def fit_guesses(contents: Iterable[Any], accepted: Sequence[Sequence[str]], longest: int) -> Guesses:
    """Guesses with the threshold that scores best on examples to learn from."""
    guesses = [guessed(content) for content in contents]
    answered = np.array([overlap_f1(guess.text(longest), one) for guess, one in zip(guesses, accepted, strict=True)])
    empty = np.array([overlap_f1("", one) for one in accepted])
    shares = np.array([guess.share for guess in guesses])
    reached = [float(np.where(shares >= threshold, answered, empty).mean()) for threshold in THRESHOLDS]
    threshold = THRESHOLDS[int(np.argmax(reached))]
    title = "A name or number in the sentence most like the question"
    return Guesses("guess", title, np.zeros((1, 2)), threshold, longest)


def guessed(content: Any) -> Guess:
    """The longest run of capitals or numbers, besides those of the question, in the sentence that has most of the
    question's words; all of the sentence where there is none."""
    question, context = question_and_context(Text().decode(content))
    asked = {question[begin:end].lower() for begin, end in word_places(question) if end - begin >= LETTERS}
    places = word_places(context)
    words = [context[begin:end] for begin, end in places]
    sentences = list(_sentences(words))
    counts = [len(asked & {word.lower() for word in words[first : last + 1]}) for first, last in sentences]
    best = int(np.argmax(counts))
    first, last = max(_names(words, *sentences[best], asked), key=lambda run: run[1] - run[0], default=sentences[best])
    return Guess(context, places, first, last, counts[best] / max(1, len(asked)))


def _sentences(words: Sequence[str]) -> Iterator[tuple[int, int]]:
    """First and last word of each sentence: up to a full stop with a capital behind it."""
    first = 0
    for place, word in enumerate(words[:-1]):
        if word in ".!?。" and not words[place + 1][0].islower():
            yield first, place
            first = place + 1
    yield first, len(words) - 1


def _names(words: Sequence[str], first: int, last: int, asked: set[str]) -> Iterator[tuple[int, int]]:
    """Runs of words with a capital or a digit in front, the first of the sentence aside, which always has one."""
    begun: int | None = None
    for place in range(first, last + 2):
        word = words[place] if place <= last else ""
        is_name = bool(word) and (word[0].isdigit() or (word[0].isupper() and place > first))
        if is_name and word.lower() not in asked:
            begun = place if begun is None else begun
        elif begun is not None:
            yield begun, place - 1
            begun = None


def _certain(words: int, span: tuple[int, int] | None) -> FloatArray:
    """Scores (1 + words, 2) that leave no doubt of `span`, or of no answer."""
    scores = np.zeros((1 + words, 2))
    first, last = span or (-1, -1)
    scores[1 + first, 0] = scores[1 + last, 1] = SURE
    return scores
