"""Contents handed over from Python: arrays, pictures, bytes, or paths, with or without labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from headstart.core.errors import DataError
from headstart.data.contents import IN_MEMORY
from headstart.data.modalities import DEFAULT, modality_in_memory, modality_of
from headstart.data.readers.assemble import Draft, choose_modality, require_classes
from headstart.data.readers.columns import LOOKED_AT
from headstart.data.table import LABEL, Table

TEXT = "text"


def from_memory(
    contents: Sequence[Any],
    labels: Sequence[Any] | None = None,
    *,
    modality: str | None = None,
    groups: Sequence[Any] | None = None,
    written: bool = False,
) -> Table:
    """A table of `contents` (N), with `labels` (N) and `groups` (N) where given.

    Contents are paths, bytes, Pillow pictures, arrays, or sounds as (samples, rate); one array (N, …) is N contents.
    Ids are `item 000`, or the paths.

    Raises:
        DataError: nothing in it, or lengths that differ.
    """
    count = len(contents)
    if count == 0:
        raise DataError("The list of contents is empty. Give at least a few examples of each class.")
    for name, values in (("labels", labels), ("groups", groups)):
        if values is not None and len(values) != count:
            raise DataError(f"There are {count} contents and {len(values)} {name}. Give one of each for each example.")
    texts = modality == TEXT or (modality is None and _are_texts(contents))
    paths = [isinstance(content, (str, Path)) and not texts for content in contents]
    if any(paths) and not all(paths):
        raise DataError(
            "The contents are partly paths and partly not (the first that is not: number "
            f"{paths.index(False)}). Give one kind."
        )
    columns: dict[str, pa.Array] = {}
    if labels is not None:
        columns[LABEL] = _label_column(labels)
    if groups is not None:
        columns["group"] = pa.array([str(group) for group in groups], pa.string())
    draft, memory = _of_paths(contents, columns) if all(paths) else _of_objects(contents, columns)
    named = TEXT if texts else choose_modality(draft.paths if all(paths) else [], modality)
    found = named or (None if any(paths) else modality_in_memory(contents[0])) or DEFAULT
    learned = (LABEL,) if labels is not None else ()
    table = draft.table(_origin(contents, all(paths)), found, learned, memory=memory)
    if labels is not None and not written:
        require_classes(table.column(LABEL), table.origin)
    return table


def _origin(contents: Sequence[Any], are_paths: bool) -> str:
    if not are_paths:
        return "the list of contents"
    return str(contents[0]) if len(contents) == 1 else "the list of files"


def _are_texts(contents: Sequence[Any]) -> bool:
    """Strings (or pairs of them, or lists of words) that are no names of files."""
    first = contents[0]
    if isinstance(first, (tuple, list, dict)):
        return all(isinstance(part, str) for part in (first.values() if isinstance(first, dict) else first))
    strings = [content for content in contents if isinstance(content, str)]
    return len(strings) == len(contents) and not any(modality_of(text) or _exists(text) for text in strings[:LOOKED_AT])


def _exists(name: str) -> bool:
    try:
        return Path(name).exists()
    except OSError:  # too long for a file's name
        return False


def _of_paths(contents: Sequence[Any], columns: dict[str, pa.Array]) -> tuple[Draft, Sequence[Any]]:
    names = [str(content) for content in contents]
    if len(set(names)) != len(names):
        repeated = next(name for place, name in enumerate(names) if name in names[:place])
        raise DataError(f"The path {repeated} is in the list more than once. Give each file once.")
    return Draft(names, [str(Path(name).absolute()) for name in names], [None] * len(names), columns), ()


def _of_objects(contents: Sequence[Any], columns: dict[str, pa.Array]) -> tuple[Draft, Sequence[Any]]:
    count = len(contents)
    ids = [f"item {position:0{len(str(count - 1))}d}" for position in range(count)]
    return Draft(ids, [IN_MEMORY] * count, [str(position) for position in range(count)], columns), contents


def _label_column(labels: Sequence[Any]) -> pa.Array:
    """Labels as strings, lists of strings, or numbers."""
    values = (
        labels.tolist()
        if isinstance(labels, np.ndarray)
        else [value.item() if isinstance(value, np.generic) else value for value in labels]
    )
    if any(isinstance(value, (list, tuple, set, frozenset)) for value in values):
        lists = [
            None
            if value is None
            else sorted(map(str, value))
            if isinstance(value, (set, frozenset))
            else [str(part) for part in value]
            for value in values
        ]
        return pa.array(lists, pa.list_(pa.string()))
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array([None if value is None else str(value) for value in values], pa.string())
