"""What all text sources share: word pieces, their limit, and batches that are as long as their longest text."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from headstart.core import seeds
from headstart.core.ragged import filled
from headstart.core.wording import counted
from headstart.data.batches import ahead
from headstart.data.modalities.text import Passage, Text
from headstart.sources.contract import Source
from headstart.sources.inputs import ROWS, Inputs
from headstart.sources.library import LibrarySource
from headstart.sources.parts import first_rows, rows_of
from headstart.sources.points import PLACES, POOLED
from headstart.sources.recommending import RECOMMENDER
from headstart.sources.texts.pieces import Pieces
from headstart.sources.texts.windows import Windows

if TYPE_CHECKING:
    import torch

IDS, MASK, SEGMENTS = "input_ids", "attention_mask", "token_type_ids"
LENGTH = 1024
"""Most word pieces of one example; what follows tells little more."""
AT_ONCE = 256
"""Most word pieces that are read together, where words or pairs of texts answer."""
PART, SENTENCE = 128, 64
"""Word pieces of one part of a text that is read as a whole; of a source taught on sentences. The mean over parts
tells more than the beginning alone, and short parts cost less than long ones."""
TOGETHER = 8192
"""Most word pieces of a batch of long texts."""
SHOWN = 128
"""Most word pieces of a long text that one view of it shows in training."""
BLANK_LENGTH = 8


class TextSource(LibrarySource):
    """A text model of some library."""

    modality: ClassVar[str] = "text"  # type: ignore[misc]
    at_places: bool = False
    """Whether heads read words or pieces, rather than texts as a whole."""

    @property
    def varies(self) -> bool:
        return True

    @abstractmethod
    def open_pieces(self) -> Pieces:
        """The tokenizer that belongs to the model, not cutting anything off yet."""

    @cached_property
    def pieces(self) -> Pieces:
        """Of texts, in parts."""
        preparation = self.description.preparation
        length, part = int(preparation["length"]), int(preparation["part"])
        return self.open_pieces().limited(part, max(1, length // part))

    @cached_property
    def pairs(self) -> Pieces:
        """Of several texts that belong together, as one part."""
        return self.open_pieces().limited(int(self.description.preparation["at_once"]))

    @cached_property
    def windows(self) -> Windows:
        return Windows(self.open_pieces(), int(self.description.preparation["at_once"]))

    def _pieces_of(self, passage: Passage) -> Pieces:
        return self.pairs if isinstance(passage, tuple) else self.pieces

    def reading(self, form: str) -> Source:
        if form == POOLED or self.stages[-1].layout != "sequence":
            return super().reading(form)
        self.require_places()
        other = copy.copy(self)
        other.at_places = True
        return other

    def with_head(self, head: str) -> Source:
        if head != RECOMMENDER:
            return super().with_head(head)
        from headstart.sources.behaviour.source import BehaviourSource

        return BehaviourSource.over(self)

    def require_places(self) -> None:
        """Refuses a network whose output at one place knows nothing of what stands around it, or follows it.

        Raises:
            SourceError: that is so.
        """

    @cached_property
    def _decoder(self) -> Text:
        return Text()

    def prepare(self, content: Any) -> Inputs:
        decoded = self._decoder.decode(content)
        return self.windows.encode(decoded) if self.at_places else self._pieces_of(decoded).encode(decoded)

    def remarks(self, contents: Iterable[Any], counts: Mapping[str, Mapping[str, int]]) -> list[str]:
        del counts
        if self.at_places:
            return self._cut_questions(contents)

        def cuts(content: Any) -> tuple[int, bool]:
            passage = self._decoder.decode(content)
            limit = "at_once" if isinstance(passage, tuple) else "length"
            return int(self.description.preparation[limit]), self._pieces_of(passage).cuts(passage)

        longer = Counter(limit for limit, is_cut in ahead(cuts, contents) if is_cut)
        return [
            f"{counted(count, 'text is', 'texts are')} longer than the {limit} pieces of words that are "
            "read; what follows is not."
            for limit, count in longer.items()
        ]

    def _cut_questions(self, contents: Iterable[Any]) -> list[str]:
        windows, decode = self.windows, self._decoder.decode
        cut = sum(ahead(lambda content: windows.cuts(decode(content)), contents))
        told = counted(cut, "question is", "questions are")
        return [f"{told} so long that the end is not read."] if cut else []

    def view(self, content: Any, view: int, key: str) -> Inputs:
        """The text as it is, since no change of words keeps the meaning for sure; of a long one, some parts that follow
        one another, others in every view: training would spend most of its time on the longest texts."""
        inputs = self.prepare(content)
        preparation = self.description.preparation
        kept = max(1, SHOWN // int(preparation["part"]))
        if not view or self.at_places or inputs[IDS].ndim == 1 or len(inputs[IDS]) <= kept:
            return inputs
        first = int(seeds.generator(view, "parts", key).integers(0, len(inputs[IDS]) - kept + 1))
        return {name: values[first : first + kept] for name, values in inputs.items()}

    def turns(self, views: int) -> Sequence[int]:
        """Never the whole of a long text, unless that is all that is asked for."""
        return range(1, views + 1) if views > 1 else range(1)

    def length(self, inputs: Inputs) -> int:
        return int(inputs[IDS].size)

    @property
    def together(self) -> int:
        return TOGETHER

    def few(self, batch: Inputs, count: int) -> Inputs:
        if not self.at_places:
            return first_rows(batch, count)
        where = batch[PLACES][:count]
        rows = int(where.max()) // batch[IDS].shape[1] + 1
        return {key: where if key == PLACES else values[:rows] for key, values in batch.items()}

    def collate(self, inputs: Sequence[Inputs]) -> Inputs:
        """Rows of all examples (of one that is in windows or parts, several), filled up to the longest."""
        padding = (self.windows if self.at_places else self.pieces).padding
        longest = max(example[IDS].shape[-1] for example in inputs)
        padded = {
            name: filled(
                [row for example in inputs for row in np.atleast_2d(example[name])],
                longest,
                padding if name == IDS else 0,
            )
            for name in inputs[0]
            if name not in (PLACES, ROWS)
        }
        if self.at_places:
            return {**padded, PLACES: _joined_places(inputs, longest)}
        return {**padded, ROWS: rows_of([len(np.atleast_2d(example[IDS])) for example in inputs])}

    def entry_for(self, preparation: Mapping[str, Any]) -> torch.nn.Module:
        from headstart.sources.network import TextEntry

        del preparation
        return TextEntry()

    def accepts(self, preparation: Mapping[str, Any]) -> str:
        return f"{preparation['length']} pieces"

    def blank(self, preparation: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
        return _batch(np.zeros((2, BLANK_LENGTH), np.int32), preparation)

    def noise(self, count: int) -> Inputs:
        preparation = self.description.preparation
        random = np.random.default_rng(0).integers(0, preparation["vocabulary"], (count, BLANK_LENGTH))
        batch = _batch(random.astype(np.int32), preparation)
        every = np.arange(count * BLANK_LENGTH, dtype=np.int32).reshape(count, BLANK_LENGTH)
        return {**batch, PLACES: every} if self.at_places else {**batch, ROWS: every[:, :1] // BLANK_LENGTH}

    def input_shape(self) -> tuple[int, ...]:
        return (int(self.description.preparation["length"]),)


def _batch(numbers: NDArray[np.int32], preparation: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    batch = {IDS: numbers, MASK: np.ones_like(numbers)}
    return {**batch, SEGMENTS: np.zeros_like(numbers)} if preparation["segments"] else batch


def _joined_places(inputs: Sequence[Inputs], length: int) -> NDArray[np.int32]:
    """Places (N, P) of the examples among the positions of a batch whose rows have `length`; -1 fills up."""
    most = max(len(example[PLACES]) for example in inputs)
    shifted, before = [], 0
    for example in inputs:
        rows, own = example[IDS].shape
        row, position = np.divmod(example[PLACES], own)
        shifted.append((before + row) * length + position)
        before += rows
    return filled(shifted, most, -1)
