"""What was worked out lately, kept in memory while it fits."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray


class Recent:
    """Arrays by name, of `size` bytes together at most; those that came first make room."""

    def __init__(self, size: int) -> None:
        self._kept: dict[str, NDArray[Any]] = {}
        self._room = size
        self._lock = threading.Lock()

    def get(self, name: str, make: Callable[[], NDArray[Any]]) -> NDArray[Any]:
        """The array of that name, made if it is not there. It is shared, so nobody may write to it."""
        found = self._kept.get(name)
        if found is not None:
            return found
        made = make()
        made.flags.writeable = False
        with self._lock:
            self._room -= made.nbytes - (self._kept.pop(name).nbytes if name in self._kept else 0)
            self._kept[name] = made
            while self._room < 0:
                self._room += self._kept.pop(next(iter(self._kept))).nbytes
        return made
