"""What sources of behaviour share: histories as rows of numbers, whose they are, and what follows at each place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from headstart.core import seeds
from headstart.data.modalities.interactions import Interactions
from headstart.sources.inputs import Inputs
from headstart.sources.library import LibrarySource

if TYPE_CHECKING:
    import torch

ITEMS, WANTED, PERSON = "items", "labels", "person"


class HistorySource(LibrarySource):
    """A model over what users met, of the catalogue whose ids are `_ids`: items are numbers from 0."""

    modality: ClassVar[str] = "interactions"  # type: ignore[misc]
    _ids: tuple[str, ...]

    def known_keys(self) -> Sequence[int]:
        """Keys of the users that are known from elsewhere, see `key_of`."""
        return ()

    @property
    def varies(self) -> bool:
        return True

    @cached_property
    def _number(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self._ids)}

    def _numbers(self, content: Any) -> NDArray[np.int64]:
        known = self._number
        return np.array([known[one] for one in Interactions().decode(content).items if one in known], np.int64)

    @cached_property
    def _person(self) -> dict[int, int]:
        """Place of each user known from elsewhere; nobody is where weights are random."""
        return {int(key): place for place, key in enumerate(self.known_keys())}

    def prepare(self, content: Any) -> Inputs:
        numbers = self._numbers(content)
        items = {ITEMS: numbers if len(numbers) else np.array([-1], np.int64)}
        if not self._person:
            return items
        return {**items, PERSON: np.array([self._person.get(key_of(Interactions().decode(content).user), -1)])}

    def view(self, content: Any, view: int, key: str) -> Inputs:
        """In other views every item of the last ones is learned from, not only the one that is asked for."""
        del key
        prepared = self.prepare(content)
        if not view:
            return prepared
        recent = prepared[ITEMS][-int(self.description.preparation["length"]) :]
        return {**prepared, ITEMS: recent, WANTED: np.append(recent[1:], -1)}

    def taught(self, inputs: Inputs, answer: str) -> Inputs:
        wanted = np.array(inputs.get(WANTED, np.full(len(inputs[ITEMS]), -1)))
        wanted[-1] = self._number[answer]
        return {**inputs, WANTED: wanted}

    def collate(self, inputs: Sequence[Inputs]) -> Inputs:
        """Filled up in front, so that the last item is the last of every row."""
        longest = max(len(one[ITEMS]) for one in inputs)
        sizes = {name: 1 if name == PERSON else longest for name in inputs[0]}
        return {name: np.stack([_in_front(one[name], size) for one in inputs]) for name, size in sizes.items()}

    def length(self, inputs: Inputs) -> int:
        return len(inputs[ITEMS])

    def entry_for(self, preparation: Mapping[str, Any]) -> torch.nn.Module:
        from headstart.sources.network import BehaviourEntry

        del preparation
        return BehaviourEntry({ITEMS: "items", WANTED: "wanted", PERSON: "person"})

    def accepts(self, preparation: Mapping[str, Any]) -> str:
        return f"last {preparation['length']} items"

    def blank(self, preparation: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
        del preparation
        return {ITEMS: np.zeros((2, 3), np.int64)}

    def noise(self, count: int) -> Inputs:
        most = max(1, len(self._ids))
        return {ITEMS: np.random.default_rng(0).integers(0, most, (count, 5))}

    def input_shape(self) -> tuple[int, ...]:
        return (int(self.description.preparation["length"]),)


def key_of(user: str) -> int:
    """A number by which a user is known again, from which the id cannot be told without a list of ids to try."""
    return seeds.derive(0, "user", user)


def _in_front(values: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    return np.concatenate([np.full(length - len(values), -1, np.int64), values])
