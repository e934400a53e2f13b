"""From texts to numbers of word pieces, by the tokenizer that belongs to the model."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from headstart.core import files
from headstart.core.errors import SourceError
from headstart.core.ragged import filled
from headstart.sources.formats import TOKENIZER, TOKENIZER_FILES

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

LETTERS = 100
"""Of a text for each piece that is kept: what lies behind is not even looked at (a line may have megabytes)."""


class Pieces:
    """A tokenizer of the tokenizers library.

    Args:
        segments: whether the model wants to know which of two texts a piece belongs to.
        padding: number of the piece that fills a batch up.
    """

    def __init__(self, tokenizer: Tokenizer, *, segments: bool, padding: int) -> None:
        self.tokenizer, self.segments, self.padding = tokenizer, segments, padding
        self._letters, self._parts = sys.maxsize, 1

    @property
    def size(self) -> int:
        """Of the vocabulary, added pieces included."""
        return int(self.tokenizer.get_vocab_size(with_added_tokens=True))

    def limited(self, length: int, parts: int = 1) -> Pieces:
        """The same, which cuts examples off after `length` pieces (of a pair, the longer text first), or into at most
        so many parts of that length."""
        self.tokenizer.enable_truncation(length)
        self._letters, self._parts = LETTERS * length * parts, parts
        return self

    def cuts(self, text: str | tuple[str, ...] | list[str]) -> bool:
        """Whether the end of an example is cut off."""
        parts = [text] if isinstance(text, str) else text
        return max(map(len, parts)) > self._letters or len(self.encoding(text).overflowing) >= self._parts

    def encode(self, text: str | tuple[str, ...] | list[str]) -> dict[str, NDArray[np.int32]]:
        """The inputs (L,), or of several parts (R, L), of one example: a text, two texts or more (a pair of the first
        and the rest), or a list of words."""
        found = self.encoding(text)
        if self._parts == 1 or not found.overflowing:
            return self._inputs(found)
        parts = [self._inputs(part) for part in (found, *found.overflowing[: self._parts - 1])]
        return {
            name: filled([part[name] for part in parts], len(found.ids), self.padding if name == "input_ids" else 0)
            for name in parts[0]
        }

    def _inputs(self, found: Encoding) -> dict[str, NDArray[np.int32]]:
        inputs = {"input_ids": found.ids, "attention_mask": found.attention_mask}
        if self.segments:
            inputs["token_type_ids"] = found.type_ids
        return {name: np.array(values, np.int32) for name, values in inputs.items()}

    def encoding(self, text: str | tuple[str, ...] | list[str]) -> Encoding:
        """What the library says of one example, with the place of every piece in the text."""
        if isinstance(text, list):
            return self.tokenizer.encode(text, is_pretokenized=True)
        if isinstance(text, str):
            return self.tokenizer.encode(text[: self._letters])
        first, *others = (part[: self._letters] for part in text)
        return self.tokenizer.encode(first, "\n".join(others)) if others else self.tokenizer.encode(first)


def open_pieces(folder: Path, *, segments: bool, vocabulary: int) -> Pieces:
    """The tokenizer in `folder`.

    Args:
        vocabulary: how many pieces the model knows.

    Raises:
        SourceError: there is none, or it has more pieces than the model.
    """
    tokenizer = _from_file(folder / TOKENIZER) if (folder / TOKENIZER).is_file() else _by_transformers(folder)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    pieces = Pieces(tokenizer, segments=segments, padding=_padding(folder, tokenizer))
    highest = max(tokenizer.get_vocab(with_added_tokens=True).values(), default=0)
    if highest >= vocabulary:
        raise SourceError(
            f"The tokenizer in {folder} does not belong to the model: it has pieces up to number {highest}, and the "
            f"model knows {vocabulary}. Copy both from the same place."
        )
    return pieces


def _from_file(path: Path) -> Tokenizer:
    from tokenizers import Tokenizer

    try:
        return Tokenizer.from_file(str(path))
    except Exception as problem:  # the library raises bare exceptions
        raise SourceError(f"{path} cannot be read as a tokenizer ({problem}). Copy it again.") from None


def _by_transformers(folder: Path) -> Tokenizer:
    """What transformers makes of an older format (vocab.txt, merges.txt, a sentencepiece model)."""
    from transformers import AutoTokenizer

    try:
        opened: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        tokenizer: Tokenizer = opened._tokenizer
        # Without a vocabulary the library makes one of marks, and of a space where the family has one.
        if len(tokenizer.get_vocab()) <= len(tokenizer.get_added_tokens_decoder()) + 1:
            raise ValueError("no piece is known but marks")
        return tokenizer
    except (ValueError, OSError, AttributeError, ImportError, TypeError) as problem:
        here = ", ".join(name for name in TOKENIZER_FILES if (folder / name).is_file()) or "no file of a tokenizer"
        raise SourceError(
            f"{folder} has no tokenizer that can be used (there is {here}): {str(problem).splitlines()[0]}. "
            f"Put the model's {TOKENIZER} there."
        ) from None


def _padding(folder: Path, tokenizer: Tokenizer) -> int:
    """The number of the padding piece; of the end mark where a model has none; else 0. It is masked anyway."""
    named: list[Any] = []
    for document in ("tokenizer_config.json", "special_tokens_map.json"):
        if (folder / document).is_file():
            known = files.read_json(folder / document)
            named += [known.get("pad_token"), known.get("eos_token")]
    for name in [*_plain(named), "[PAD]", "<pad>", "</s>"]:
        number = tokenizer.token_to_id(name)
        if number is not None:
            return int(number)
    return 0


def _plain(names: Sequence[Any]) -> list[str]:
    """Pieces are named by strings or by objects with a content."""
    return [str(name["content"] if isinstance(name, dict) else name) for name in names if name]
