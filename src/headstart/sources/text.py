"""What all text sources share: word pieces, their limit, and batches that are as long as their longest text."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from headstart.data.batches import ahead
from headstart.data.modalities.text import Text
from headstart.sources.contract import Inputs
from headstart.sources.library import LibrarySource
from headstart.sources.pieces import Pieces

if TYPE_CHECKING:
    import torch

IDS, MASK, SEGMENTS = "input_ids", "attention_mask", "token_type_ids"
LENGTH = 256
"""Most word pieces of one example, where the source could take more: longer texts cost more than they tell."""
BLANK_LENGTH = 8


class TextSource(LibrarySource):
    """A text model of some library."""

    modality: ClassVar[str] = "text"  # type: ignore[misc]

    @property
    def varies(self) -> bool:
        return True

    @abstractmethod
    def open_pieces(self) -> Pieces:
        """The tokenizer that belongs to the model, not cutting anything off yet."""

    @cached_property
    def pieces(self) -> Pieces:
        return self.open_pieces().limited(int(self.description.preparation["length"]))

    @cached_property
    def _decoder(self) -> Text:
        return Text()

    def prepare(self, content: Any) -> Inputs:
        return self.pieces.encode(self._decoder.decode(content))

    def remarks(self, contents: Iterable[Any]) -> list[str]:
        pieces, decode = self.pieces, self._decoder.decode
        cut = sum(ahead(lambda content: pieces.cuts(decode(content)), contents))
        limit = self.input_shape()[0]
        told = "1 text is" if cut == 1 else f"{cut} texts are"
        return [f"{told} longer than the {limit} pieces of words that are read; what follows is not."] if cut else []

    def view(self, content: Any, view: int, key: str) -> Inputs:
        """The text as it is: no change of words keeps the meaning for sure."""
        del view, key
        return self.prepare(content)

    def length(self, inputs: Inputs) -> int:
        return len(inputs[IDS])

    def collate(self, inputs: Sequence[Inputs]) -> Inputs:
        longest = max(len(example[IDS]) for example in inputs)
        padded = {}
        for name in inputs[0]:
            fill = self.pieces.padding if name == IDS else 0
            padded[name] = np.full((len(inputs), longest), fill, np.int32)
            for row, example in enumerate(inputs):
                padded[name][row, : len(example[name])] = example[name]
        return padded

    def entry_for(self, preparation: Mapping[str, Any]) -> torch.nn.Module:
        from headstart.sources.network import TextEntry

        del preparation
        return TextEntry()

    def blank(self, preparation: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
        return _batch(np.zeros((2, BLANK_LENGTH), np.int32), preparation)

    def noise(self, count: int) -> Inputs:
        preparation = self.description.preparation
        random = np.random.default_rng(0).integers(0, preparation["vocabulary"], (count, BLANK_LENGTH))
        return _batch(random.astype(np.int32), preparation)

    def input_shape(self) -> tuple[int, ...]:
        return (int(self.description.preparation["length"]),)


def _batch(numbers: NDArray[np.int32], preparation: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    batch = {IDS: numbers, MASK: np.ones_like(numbers)}
    return {**batch, SEGMENTS: np.zeros_like(numbers)} if preparation["segments"] else batch
