"""Texts: a string, several strings that belong together, or a sentence that is cut into words already."""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.core.errors import DataError
from headstart.data.contents import Unreadable
from headstart.data.facts import Facts

Passage = str | tuple[str, ...] | list[str]
"""A text; several texts that belong together, in order (a question and its context); or words (a list)."""

BUCKETS = 256
"""Words are counted in this many buckets to find near duplicates."""
FEW_WORDS, LETTERS = 8, 3
"""Of fewer words, which would often meet in a bucket by chance, so many letters in a row are counted."""
LENGTHS = ((16, "up to 16 words"), (64, "17 to 64 words"), (256, "65 to 256 words"), (1024, "257 to 1024 words"))
LONGER = "over 1024 words"
_WORD = re.compile(r"\w+")
_IDEOGRAPHS = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_WORD_OR_SIGN = re.compile(rf"[{_IDEOGRAPHS}]|[^\W_{_IDEOGRAPHS}]+|\S")


class Text:
    """The modality of texts."""

    name = "text"
    suffixes = (".txt", ".text", ".md")
    told_apart = ("length",)
    quick = False
    levels = False
    gaps = False

    def recognises(self, content: Any) -> bool:
        """Whether it is a string, or strings that belong together, or words."""
        parts = list(content.values()) if isinstance(content, Mapping) else content
        return isinstance(parts, str) or (isinstance(parts, (list, tuple)) and all(isinstance(p, str) for p in parts))

    def decode(self, content: Any, size: int | None = None) -> Passage:
        """`content` as text.

        Args:
            content: a string; bytes of a file in UTF-8; a tuple of strings, or a mapping from names to them, that
                belong together in that order; or a list of words.

        Raises:
            Unreadable: with the reason.
        """
        del size
        if isinstance(content, (bytes, bytearray, memoryview)):
            return _decoded(bytes(content))
        if isinstance(content, str):
            return content
        if isinstance(content, tuple):
            content = {f"text {place}": part for place, part in enumerate(content, 1)}
        if isinstance(content, Mapping):
            return _joined(content)
        if isinstance(content, list) and all(isinstance(word, str) for word in content):
            return list(content)
        raise Unreadable(f"not a text but {'nothing' if content is None else f'a {type(content).__name__}'}")

    def examine(self, content: Any) -> Facts:
        """Whether there is text at all, how long it is, and counts of its words to find near duplicates by."""
        try:
            passage = self.decode(content)
        except Unreadable as problem:
            return Facts(problem=str(problem))
        text = plain(passage)
        if not text.strip():
            return Facts(problem="the text is empty")
        words = _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
        return Facts(thumbnail=_counts(words), properties=(("length", length_class(len(words))),))

    def show(self, content: Any) -> str:
        return plain(self.decode(content))


def plain(passage: Passage) -> str:
    """All of it as one string, for people."""
    if isinstance(passage, str):
        return passage
    return " ".join(passage) if isinstance(passage, list) else "\n".join(passage)


def words_of(passage: Passage) -> list[str]:
    """The words of a sentence that is cut into words already, or else what its spaces part."""
    return passage if isinstance(passage, list) else plain(passage).split()


def word_places(text: str) -> list[tuple[int, int]]:
    """Where the words of a text begin, and where behind them: runs of letters and digits, and each other sign (an
    ideograph too) alone. No tokenizer has a say in it, so what is said in words holds for every source."""
    return [match.span() for match in _WORD_OR_SIGN.finditer(text)]


def question_and_context(passage: Passage) -> tuple[str, str]:
    """The first of several texts, and all the others, in which its answer is looked for.

    Raises:
        DataError: there is one text only.
    """
    if not isinstance(passage, tuple) or len(passage) < 2:
        raise DataError(
            "An answer is looked for in a context, and there is one text only. Give a question and a context, such as "
            "two columns of a table by --content question,context."
        )
    return passage[0], "\n".join(passage[1:])


def length_class(words: int) -> str:
    return next((name for most, name in LENGTHS if words <= most), LONGER)


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise Unreadable(
            f"not UTF-8: byte {problem.start + 1} is {content[problem.start]:#04x}; save the file as UTF-8"
        ) from None


def _joined(content: Mapping[str, Any]) -> tuple[str, ...]:
    missing = [name for name, value in content.items() if value is None or not str(value).strip()]
    if missing:
        raise Unreadable(f"the text is empty in '{missing[0]}'")
    return tuple(str(value) for value in content.values())


def _counts(words: list[str]) -> NDArray[np.uint8] | None:
    """Words by bucket (BUCKETS,), the fullest at 255; None when there is no word to count."""
    if not words:
        return None
    if len(words) < FEW_WORDS:
        joined = f" {' '.join(words)} "
        words = [joined[start : start + LETTERS] for start in range(max(1, len(joined) - LETTERS + 1))]
    buckets = np.array([zlib.crc32(word.encode()) % BUCKETS for word in words])
    counts = np.bincount(buckets, minlength=BUCKETS)
    return np.asarray(np.rint(counts * (255 / counts.max())), np.uint8)
