"""Things that contents refer to, such as the items that people met: what a source gives that knows and ranks them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from headstart.core.errors import SourceError
from headstart.data.contents import Told
from headstart.sources.description import Described

RECOMMENDER = "recommender"
"""The head that ranks the things which contents refer to."""


@dataclass(frozen=True)
class Catalogue:
    """K things that contents refer to."""

    ids: Sequence[str]
    titles: Sequence[str]
    """What people call them; empty where that is not known."""
    features: NDArray[np.float32]
    """(K, D), of the source `Source.describer`."""
    counts: Sequence[int]
    """(K,), how often each was met in training."""
    same_users: bool = False
    """Whether users here are those of the same ids that the source knows from elsewhere."""
    same_items: bool = False
    """Whether the things are."""


@dataclass(frozen=True)
class Recommended:
    """One thing that is recommended."""

    id: str
    title: str
    score: float
    because: tuple[str, ...]
    """Ids of those things in the content that spoke most for it, the strongest first."""


class MayRecommend(Described):
    """The part of `Source` that only those answer which rank a catalogue."""

    def knowing(self, things: Catalogue) -> Self:
        """The same source, made acquainted with the things that contents refer to.

        Raises:
            SourceError: their features are not those that it knows things by.
        """
        del things
        return self

    def thing(self, name: str) -> str:
        """What people call the thing with the id `name`; the id where that is all."""
        return name

    def recommend(self, content: Any, count: int) -> list[Recommended]:
        """The best of the things that it is acquainted with for one content, each with its reasons.

        Raises:
            SourceError: it does not recommend.
        """
        del content, count
        raise SourceError(f"{self.title} does not recommend. Use a run of --task recommendation.")

    def solved(self, train: Told, validation: Told, fit: Told) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Weights, by name, of the part of its own head that is solved in closed form, and what was chosen: on the
        validation part, for what `train` tells; solved then for what `fit` tells, which is both.

        Raises:
            SourceError: nothing of its head is.
        """
        del train, validation, fit
        raise SourceError(f"{self.title} has a head that is trained, not solved. Use --strategy finetune.")
