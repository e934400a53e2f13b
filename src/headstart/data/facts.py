"""What one look at a content tells: whether it can be read, its size, and a thumbnail to find duplicates by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Facts:
    """What `Modality.examine` found in one content."""

    problem: str = ""
    """Why the content cannot be used; empty when it can."""
    thumbnail: NDArray[np.uint8] | None = None
    """A small summary (M,) of the content; near duplicates have near thumbnails. None: no such comparison."""
    properties: tuple[tuple[str, str], ...] = ()
    """Such as (("size", "640x480"), ("mode", "L"))."""


class FactsCache(Protocol):
    """Where facts are kept between runs, by content digest (the bank implements it)."""

    def get(self, keys: Sequence[str]) -> Mapping[str, Facts]: ...

    def put(self, facts: Mapping[str, Facts]) -> None: ...


class Modality(Protocol):
    """How contents of one kind are decoded, examined and recognised; one file in `data/modalities` each."""

    name: str
    suffixes: tuple[str, ...]
    """File endings, lower case, with the dot."""
    told_apart: tuple[str, ...]
    """Properties by whose values results are told apart, such as length."""
    quick: bool
    """Whether a look at a content costs less than keeping what was seen."""
    levels: bool
    """Whether bare numbers are levels of grey, and so scaled; else they stand as they are."""
    gaps: bool
    """Whether numbers (T,) or (channels, T) may be missing, as nan."""

    def recognises(self, content: Any) -> bool:
        """Whether an object in memory, no file or bytes, is of this kind."""
        ...

    def decode(self, content: Any, size: int | None = None) -> Any:
        """The content in the form that `Source.prepare` takes; `size` is the smallest side that will be used.

        Raises:
            Unreadable: the content cannot be decoded; the message is the reason.
        """
        ...

    def examine(self, content: Any) -> Facts: ...

    def show(self, content: Any) -> Any:
        """What people are shown of it: a small picture, or a text."""
        ...
