"""Names to things, without importing the things: each entry is an import string until it is asked for."""

from __future__ import annotations

import difflib
import functools
import importlib
from collections.abc import Collection, Iterable
from importlib.metadata import entry_points
from typing import Generic, TypeVar, cast

from headstart.core.errors import HeadstartError

Entry = TypeVar("Entry")


class Registry(Generic[Entry]):
    """A table of `name -> "module:attribute"`. Third parties add theirs by the entry point group
    `headstart.<kind>` (for instance `headstart.strategies`)."""

    def __init__(self, kind: str, built_in: dict[str, str], internal: Collection[str] = ()) -> None:
        self.kind = kind
        self._built_in = built_in
        self._internal = frozenset(internal)
        """Names that are not for users, so that none is offered to them."""

    def names(self) -> list[str]:
        return sorted(self._entries())

    def get(self, name: str) -> Entry:
        """The entry called `name`.

        Raises:
            HeadstartError: no such name; the message offers the nearest ones.
        """
        entries = self._built_in if name in self._built_in else self._entries()
        if name not in entries:
            offered = set(entries) - self._internal
            raise HeadstartError(f"There is no {self.kind} called '{name}'. {suggest(name, offered)}")
        module, _, attribute = entries[name].partition(":")
        return cast(Entry, getattr(importlib.import_module(module), attribute))

    def _entries(self) -> dict[str, str]:
        return {**_third_party(f"headstart.{self.kind}"), **self._built_in}


@functools.cache
def _third_party(group: str) -> dict[str, str]:
    """Reading the entry points of all installed packages takes milliseconds: once a process is enough."""
    return {point.name: point.value for point in entry_points(group=group)}


def suggest(name: str, known: Iterable[str]) -> str:
    """`Did you mean …?` with the nearest of `known`, or the list of all when none is near."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=5, cutoff=0.5)
    if near:
        return f"Did you mean {', '.join(near)}?"
    return f"Known: {', '.join(known[:20])}{', …' if len(known) > 20 else ''}."
