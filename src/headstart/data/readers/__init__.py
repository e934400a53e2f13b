"""Formats of targets: one file a format, one line here. The first reader that recognises a path reads it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from headstart.core.registry import Registry
from headstart.data.table import Table
from headstart.data.windows import Windows


@dataclass(frozen=True)
class Options:
    """What the user says about the target; None: found out."""

    label: str | None = None
    """Column(s) to learn, separated by commas."""
    content: str | None = None
    """Column with the paths or the contents."""
    group: str | None = None
    """Column of groups, or `folder`, or a regular expression for the path whose first bracket is the
    group."""
    time: str | None = None
    """Column of times."""
    split: str | None = None
    """Column that says train, validation or test."""
    modality: str | None = None
    labelled: bool = True
    """False: labels are not looked for."""
    written: bool = False
    """Whether labels are texts to be written, not classes or numbers."""
    windows: Windows | None = None
    """How series are cut, where what comes next is to be told."""
    items: str | None = None
    """Table of the items that contents refer to by their ids."""
    user: str | None = None
    """Column of users."""
    new_users: int | None = None
    """Test on users who are not learned from, after so many of their items."""
    test: float | None = None
    validation: float | None = None
    """Shares of the users that are then new."""


class Reader(Protocol):
    """One format."""

    has_columns: bool = False
    """Whether contents and labels are told by the names of columns."""

    def recognises(self, path: Path) -> bool: ...

    def read(self, path: Path, options: Options) -> Table: ...


_BUILT_IN = {  # the most particular first
    "interactions": "headstart.data.readers.interactions:Interactions",
    "windows": "headstart.data.readers.windows:SeriesWindows",
    "archive": "headstart.data.readers.archive:Archive",
    "conll": "headstart.data.readers.conll:Conll",
    "corpus": "headstart.data.readers.corpus:Corpus",
    "squad": "headstart.data.readers.squad:Squad",
    "numpy": "headstart.data.readers.cases:NumpyArchive",
    "ucr": "headstart.data.readers.cases:Ucr",
    "parallel": "headstart.data.readers.parallel:Parallel",
    "parts": "headstart.data.readers.parts:Parts",
    "tabular": "headstart.data.readers.tabular:Tabular",
    "huggingface": "headstart.data.readers.huggingface:HuggingFace",
    "folder": "headstart.data.readers.folder:Folder",
}
readers: Registry[type[Reader]] = Registry("reader", _BUILT_IN)


def reader_of(path: Path) -> Reader | None:
    """The first reader that recognises `path`: those of third parties are asked before our own."""
    places = {name: place for place, name in enumerate(_BUILT_IN)}
    for name in sorted(readers.names(), key=lambda name: places.get(name, -1)):
        reader = readers.get(name)()
        if reader.recognises(path):
            return reader
    return None
