"""What a user met before, in order: the content of one example of a recommender. Its label is what was met next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.data.contents import Unreadable
from headstart.data.facts import Facts

LENGTHS = ((0, "none"), (4, "1 to 4 items"), (9, "5 to 9 items"), (19, "10 to 19 items"), (49, "20 to 49 items"))
LONGER = "50 items and more"
SHOWN = 8
"""Last items that people are shown."""
LAST = "last"
"""Of a content, what people call these, where that is known."""


@dataclass(frozen=True)
class History:
    """What one user met, by the ids of the items, the earliest first."""

    user: str
    items: tuple[str, ...]
    ratings: tuple[float, ...] = ()
    """One for each item, where there are any."""


class Interactions:
    """The modality of histories."""

    name = "interactions"
    suffixes = ()
    told_apart = ("history",)
    quick = True
    levels = False
    gaps = False

    def recognises(self, content: Any) -> bool:
        """Whether it is a mapping with a user and items."""
        return isinstance(content, History) or (isinstance(content, Mapping) and {"user", "items"} <= set(content))

    def decode(self, content: Any, size: int | None = None) -> History:
        """`content` as a history.

        Args:
            content: a mapping with `user`, `items` (ids, in order) and, where there are any, `ratings`.

        Raises:
            Unreadable: it is something else.
        """
        del size
        if isinstance(content, History):
            return content
        if not self.recognises(content):
            raise Unreadable(f"not a history with a user and items but a {type(content).__name__}")
        ratings = tuple(map(float, content.get("ratings", ())))
        return History(str(content["user"]), tuple(map(str, content["items"])), ratings)

    def examine(self, content: Any) -> Facts:
        """How many items the history has; what to recommend to a user with none is a question too."""
        try:
            return Facts(properties=(("history", length_class(len(self.decode(content).items))),))
        except Unreadable as problem:
            return Facts(problem=str(problem))

    def show(self, content: Any) -> str:
        history = self.decode(content)
        if not history.items:
            return f"User {history.user}, who has met nothing yet"
        last = content.get(LAST) if isinstance(content, Mapping) else None
        left_out = "… " if len(history.items) > SHOWN else ""
        return f"User {history.user}: {left_out}{'; '.join(last or history.items[-SHOWN:])}"


def length_class(items: int) -> str:
    return next((name for most, name in LENGTHS if items <= most), LONGER)


class Places(Sequence[Any]):
    """Contents of many examples that are places in users' histories: what each user had met up to there. Made anew
    whenever one is asked for, so memory grows with interactions, not with examples times histories.

    Args:
        users: ids (U,).
        starts: (U + 1,), where each user's interactions begin in `items`.
        items: (M,) numbers, into `names`.
        names: ids of the items.
        ratings: (M,), where there are any.
        titles: what people call the items, by id.
        rows: (N, 2): the user of each example, and how many of the user's items are before it.
    """

    def __init__(
        self,
        users: Sequence[str],
        starts: NDArray[np.int64],
        items: NDArray[np.int32],
        names: Sequence[str],
        ratings: NDArray[np.float32] | None,
        rows: NDArray[np.int64],
        titles: Mapping[str, str],
    ) -> None:
        self.users, self.starts, self.items, self.names = users, starts, items, names
        self.ratings, self.rows, self.titles = ratings, rows, titles

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, row: Any) -> Any:
        user, count = self.rows[row].tolist()
        here = slice(int(self.starts[user]), int(self.starts[user]) + count)
        content: dict[str, Any] = {"user": self.users[user], "items": [self.names[one] for one in self.items[here]]}
        if self.ratings is not None:
            content["ratings"] = self.ratings[here].tolist()
        if self.titles:
            content[LAST] = [self.titles.get(one) or one for one in content["items"][-SHOWN:]]
        return content
