"""What users met, as histories of numbers of items."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.data.contents import Told
from headstart.data.modalities.interactions import Interactions
from headstart.measure.collaborative import Histories


def whole_histories(
    contents: Iterable[Any], labels: Iterable[Any], number: Mapping[str, int]
) -> dict[str, NDArray[np.int64]]:
    """User -> numbers of all items that the examples tell of: of several places in one history, the last."""
    decode = Interactions().decode
    found: dict[str, tuple[str, ...]] = {}
    for content, label in zip(contents, labels, strict=True):
        history = decode(content)
        if len(history.items) >= len(found.get(history.user, ())):
            found[history.user] = (*history.items, str(label))
    return {user: np.array([number[one] for one in items], np.int64) for user, items in found.items()}


def told_histories(told: Told, labels: Sequence[str]) -> Histories:
    """The whole histories of the users that `told` tells of."""
    number = {name: place for place, name in enumerate(labels)}
    return Histories.of(whole_histories(told.contents(), told.labels, number).values(), len(labels))


def known_histories(contents: Iterable[Any], labels: Sequence[str]) -> Histories:
    """The histories as they are; items that are not in the catalogue are passed over."""
    number = {name: place for place, name in enumerate(labels)}
    decode = Interactions().decode
    known = ([number[one] for one in decode(content).items if one in number] for content in contents)
    return Histories.of((np.array(one, np.int64) for one in known), len(labels))
