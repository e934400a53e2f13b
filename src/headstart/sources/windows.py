"""Examples that are longer than a model takes, as several overlapping windows; nothing is cut off.

Answers are asked for at places: the first piece of each word, or, of a question and its context, the start mark (there
is no answer) and every piece of the context. Of the windows that hold a piece, the one where it has the most context on
its shorter side answers for it.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from headstart.core.errors import SourceError
from headstart.sources.contract import PLACES

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

    from headstart.sources.pieces import Pieces

OVERLAP = 4
"""Of a window, one part in so many is seen by the next one too."""
START = 0
"""Position of the start mark."""


class Windows:
    """A tokenizer of words, or of pairs of texts, that cuts examples into windows of at most `length` pieces."""

    def __init__(self, pieces: Pieces, length: int) -> None:
        self.segments, self.padding = pieces.segments, pieces.padding
        self._stride = length // OVERLAP
        self._question = length // 2
        self._words: Tokenizer = pieces.tokenizer
        self._pairs: Tokenizer = copy.deepcopy(pieces.tokenizer)
        self._plain: Tokenizer = copy.deepcopy(pieces.tokenizer)
        self._plain.no_truncation()
        self._words.enable_truncation(length, stride=self._stride)
        self._pairs.enable_truncation(length, stride=self._stride, strategy="only_second")

    def encode(self, passage: str | tuple[str, ...] | list[str]) -> dict[str, NDArray[np.int32]]:
        """Inputs (R, L) of the R windows of one example, and its `places` (P,) among their R * L positions.

        Args:
            passage: words, or a text that is cut into words at its spaces; or a question and its context.
        """
        if isinstance(passage, tuple):
            return self._of_pair(*self._two(passage))
        return self._of_words(passage.split() if isinstance(passage, str) else passage)

    def _of_words(self, words: list[str]) -> dict[str, NDArray[np.int32]]:
        windows = _windows(self._words.encode(words, is_pretokenized=True))
        found, position_of, word_of = self._laid_out(windows, 0)
        first: dict[int, int] = {}
        for piece, word in enumerate(word_of):
            first.setdefault(word, piece)
        places, before = [], START
        for word in range(len(words)):  # a word of which the tokenizer leaves nothing answers where the last one did
            before = position_of[first[word]] if word in first else before
            places.append(before)
        return {**found, PLACES: np.array(places, np.int32)}

    def _of_pair(self, question: str, context: str) -> dict[str, NDArray[np.int32]]:
        windows = _windows(self._pairs.encode(question, context))
        found, position_of, _ = self._laid_out(windows, 1)
        return {**found, PLACES: np.array([START, *position_of], np.int32)}

    def _two(self, passage: tuple[str, ...]) -> tuple[str, str]:
        """The question, its end cut off where it would leave no room, and everything after it."""
        question, *others = passage
        if not others:
            raise SourceError("An answer is looked for in a context; give a question and a context.")
        offsets = self._plain.encode(question, add_special_tokens=False).offsets
        short = question if len(offsets) <= self._question else question[: offsets[self._question][0]]
        return short, "\n".join(others)

    def _laid_out(
        self, windows: list[Encoding], sequence: int
    ) -> tuple[dict[str, NDArray[np.int32]], list[int], list[int]]:
        """Windows as arrays (R, L); for each piece of text number `sequence` its best position, and its word."""
        longest = max(len(window.ids) for window in windows)
        names = {"input_ids": "ids", "attention_mask": "attention_mask"}
        names |= {"token_type_ids": "type_ids"} if self.segments else {}
        found = {
            name: np.full((len(windows), longest), self.padding if name == "input_ids" else 0, np.int32)
            for name in names
        }
        inside: dict[int, int] = {}
        position_of: dict[int, int] = {}
        word_of: dict[int, int] = {}
        begin = 0
        for row, window in enumerate(windows):
            for name, attribute in names.items():
                found[name][row, : len(window.ids)] = getattr(window, attribute)
            own = [place for place, number in enumerate(window.sequence_ids) if number == sequence]
            for order, place in enumerate(own):
                context = min(order, len(own) - 1 - order)
                if context > inside.get(begin + order, -1):
                    inside[begin + order] = context
                    position_of[begin + order] = row * longest + place
                    word_of[begin + order] = window.word_ids[place] or 0
            begin += len(own) - self._stride
        pieces = range(len(position_of))
        return found, [position_of[piece] for piece in pieces], [word_of[piece] for piece in pieces]


def _windows(encoding: Encoding) -> list[Encoding]:
    return [encoding, *encoding.overflowing]
