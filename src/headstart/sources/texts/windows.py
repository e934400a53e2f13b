"""Examples that are longer than a model takes, as several overlapping windows; nothing is cut off.

Answers are asked for at places: the first piece of each word; of a question and its context, the start mark (there is
no answer) and the first piece of each word of the context. Of the windows that hold a piece, the one where it has the
most context on its shorter side answers for it.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from headstart.data.modalities.text import Passage, question_and_context, word_places
from headstart.sources.points import PLACES

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

    from headstart.sources.texts.pieces import Pieces

OVERLAP = 4
"""Of a window, one part in so many is seen by the next one too."""
START = 0
"""Position of the start mark."""


class Windows:
    """A tokenizer of words, or of pairs of texts, that cuts examples into windows of at most `length` pieces."""

    def __init__(self, pieces: Pieces, length: int) -> None:
        from tokenizers import processors

        self.segments, self.padding = pieces.segments, pieces.padding
        self._stride = length // OVERLAP
        self._question = length // 2
        self._words: Tokenizer = pieces.tokenizer
        self._pairs: Tokenizer = copy.deepcopy(pieces.tokenizer)
        self._plain: Tokenizer = copy.deepcopy(pieces.tokenizer)
        self._plain.no_truncation()
        if self._pairs.post_processor is None:  # which alone tells the two texts of a pair apart in every window
            self._pairs.post_processor = processors.TemplateProcessing(single="$A", pair="$A $B")
        self._words.enable_truncation(length, stride=self._stride)
        self._pairs.enable_truncation(length, stride=self._stride, strategy="only_second")

    def encode(self, passage: Passage) -> dict[str, NDArray[np.int32]]:
        """Inputs (R, L) of the R windows of one example, and its `places` (P,) among their R * L positions.

        Args:
            passage: words, or a text that is cut into words at its spaces; or a question and its context.
        """
        if isinstance(passage, tuple):
            return self._of_pair(*question_and_context(passage))
        return self._of_words(passage.split() if isinstance(passage, str) else passage)

    def cuts(self, passage: Passage) -> bool:
        """Whether the end of a question is cut off: where it would leave too little room for its context."""
        return isinstance(passage, tuple) and self._short(passage[0]) != passage[0]

    def _of_words(self, words: list[str]) -> dict[str, NDArray[np.int32]]:
        windows = _windows(self._words.encode(words, is_pretokenized=True))
        found, pieces = self._laid_out(windows, 0)
        first: dict[int, int] = {}
        for piece in pieces:
            first.setdefault(piece.word, piece.position)
        places, before = [], START
        for word in range(len(words)):  # a word of which the tokenizer leaves nothing answers where the last one did
            before = first.get(word, before)
            places.append(before)
        return {**found, PLACES: np.array(places, np.int32)}

    def _of_pair(self, question: str, context: str) -> dict[str, NDArray[np.int32]]:
        windows = _windows(self._pairs.encode(self._short(question), context))
        found, pieces = self._laid_out(windows, 1)
        return {**found, PLACES: np.array([START, *_first_pieces(pieces, word_places(context))], np.int32)}

    def _short(self, question: str) -> str:
        offsets = self._plain.encode(question, add_special_tokens=False).offsets
        return question if len(offsets) <= self._question else question[: offsets[self._question][0]]

    def _laid_out(self, windows: list[Encoding], sequence: int) -> tuple[dict[str, NDArray[np.int32]], list[Piece]]:
        """Windows as arrays (R, L), and the pieces of text number `sequence`, in order."""
        longest = max(len(window.ids) for window in windows)
        names = {"input_ids": "ids", "attention_mask": "attention_mask"}
        names |= {"token_type_ids": "type_ids"} if self.segments else {}
        found = {
            name: np.full((len(windows), longest), self.padding if name == "input_ids" else 0, np.int32)
            for name in names
        }
        best: dict[int, tuple[int, Piece]] = {}
        begin = 0
        for row, window in enumerate(windows):
            for name, attribute in names.items():
                found[name][row, : len(window.ids)] = getattr(window, attribute)
            words, offsets = window.word_ids, window.offsets
            own = [place for place, number in enumerate(window.sequence_ids) if number == sequence]
            for order, place in enumerate(own):
                context = min(order, len(own) - 1 - order)
                if begin + order not in best or context > best[begin + order][0]:
                    piece = Piece(row * longest + place, words[place] or 0, *offsets[place])
                    best[begin + order] = context, piece
            begin += len(own) - self._stride
        return found, [best[order][1] for order in range(len(best))]


@dataclass(frozen=True)
class Piece:
    """A piece of a text, at its best position among those of all windows."""

    position: int
    word: int
    """The word it belongs to, where words were given."""
    begin: int
    end: int
    """Letters of the text that it stands for."""


def _first_pieces(pieces: Sequence[Piece], words: Sequence[tuple[int, int]]) -> list[int]:
    """Position of the first piece of each word, given by its letters; of one of which the tokenizer leaves nothing,
    that of the piece before."""
    places, next_piece = [], 0
    before = START
    for begin, end in words:
        while next_piece < len(pieces) and pieces[next_piece].end <= begin:
            before = pieces[next_piece].position
            next_piece += 1
        if next_piece < len(pieces) and pieces[next_piece].begin < end:
            before = pieces[next_piece].position
        places.append(before)
    return places


def _windows(encoding: Encoding) -> list[Encoding]:
    return [encoding, *encoding.overflowing]
