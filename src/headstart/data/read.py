"""From whatever the user has to a table of examples: ids, places and labels, no contents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from headstart.core.errors import DataError
from headstart.core.registry import suggest
from headstart.data.answers import located
from headstart.data.readers import Options, reader_of, readers
from headstart.data.readers.assemble import groups_from_paths, refuse_options
from headstart.data.readers.frames import is_frame, read_frame
from headstart.data.readers.memory import from_memory
from headstart.data.table import Table
from headstart.data.windows import Windows

SPREADSHEETS = (".xlsx", ".xls", ".xlsm", ".ods", ".numbers")
Target = Any
"""A path, a `Table`, or contents from memory; see `read`."""


def read(
    target: Target,
    *,
    label: str | None = None,
    content: str | None = None,
    group: str | None = None,
    time: str | None = None,
    split: str | None = None,
    modality: str | None = None,
    labelled: bool = True,
    written: bool = False,
    windows: Windows | None = None,
    reader: str = "",
    items: str | None = None,
    user: str | None = None,
    new_users: int | None = None,
    test: float | None = None,
    validation: float | None = None,
) -> Table:
    """The table of a target.

    Args:
        target: a path to a folder with a folder for each class (in train, val and test folders or not), to a
            CSV, TSV, JSONL or Parquet file with a column of paths or contents, or a folder with one for each part, to a
            file of CoNLL columns or of SQuAD's JSON or a folder of such files, to parallel texts such as train.en and
            train.de, to a Hugging Face data set folder, or to a zip of one of these; or a `Table`; or a table of
            pandas, Polars or PyArrow, a data set of Hugging Face, or a mapping from parts to such; or a list of paths,
            Pillow pictures or arrays, alone or as (contents, labels).
        label: column to learn, or several separated by commas. Known by the usual names when not given.
        content: column of paths or of contents. Known by the usual names when not given.
        group: column of groups, none of which may be in two parts. For folders: `folder`, or a regular
            expression whose first bracket is the group.
        time: column of times; the latest examples become the test.
        split: column that says train, validation or test.
        modality: such as image, when the files do not tell.
        labelled: False to read contents alone, as for prediction.
        written: labels are texts to be written in answer to the contents, or things that come next.
        reader: of the registry, where the form of the target does not tell which; found by the form when empty.
        items: table of the items that contents refer to.
        user: column of users.
        windows: how a table of values over time is cut into examples of what comes next.
        new_users: test on users who are not learned from, after so many of their items.
        test, validation: shares of the users that are then new.

    Raises:
        HeadstartError: the target cannot be read; the message says what, where, and what to do.
    """
    if isinstance(target, Table):
        return target
    people = {"items": items, "user": user, "new_users": new_users, "test": test, "validation": validation}
    options = Options(label, content, group, time, split, modality, labelled, written, windows, **people)  # type: ignore[arg-type]
    if isinstance(target, (str, Path)):
        table = _read_path(Path(target).expanduser(), options, reader)
    elif reader:
        raise DataError("This task is learned from a table file. Give its path; a table in memory can be saved first.")
    else:
        table = _read_memory(target, options)
    return replace(located(table) if labelled and not written else table, written=written)


def has_columns(target: Target) -> bool:
    """Whether `target` is a table, or a path to something whose columns are told by their names."""
    if is_frame(target):
        return True
    path = Path(target).expanduser() if isinstance(target, (str, Path)) else None
    return path is not None and path.exists() and getattr(reader_of(path), "has_columns", False)


def _read_path(path: Path, options: Options, asked: str) -> Table:
    if not path.exists():
        hint = " If it is a text, give it in a list." if " " in path.name and not path.suffix else ""
        raise DataError(f"{path} does not exist. {_nearest(path)}{hint}")
    reader = readers.get(asked)() if asked else reader_of(path)
    if reader is None:
        what = "a spreadsheet: save it as CSV" if path.suffix.lower() in SPREADSHEETS else "no format that is known"
        raise DataError(
            f"{path} is {what}. Give a folder with a folder for each class, a "
            "CSV, TSV, JSONL or Parquet file, CoNLL columns, SQuAD's JSON, a Hugging Face data set folder, or a zip."
        )
    return reader.read(path, options)


def _nearest(path: Path) -> str:
    """What there is instead, in the deepest folder of `path` that exists."""
    folder = path.parent
    while not folder.exists() and folder != folder.parent:
        path, folder = folder, folder.parent
    try:
        names = sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))
    except OSError:
        return "Check the spelling."
    if not names:
        return f"{folder.absolute()} is empty."
    return f"There is {folder.absolute()}. {suggest(path.name, names)}"


def _read_memory(target: Target, options: Options) -> Table:
    if is_frame(target):
        return read_frame(target, options)
    if isinstance(target, tuple) and len(target) == 2 and _is_sequence(target[0]) and _is_sequence(target[1]):
        contents, labels = (_plain(part) for part in target)
    elif _is_sequence(target):
        contents, labels = _plain(target), None
    else:
        raise DataError(
            f"A target of type {type(target).__name__} cannot be read. Give a path, a table, a list of "
            "paths or pictures, or (contents, labels)."
        )
    if labels is None and options.labelled:
        raise DataError("There are no labels with the contents. Give (contents, labels), or labelled=False.")
    refuse_options(
        "The list of contents",
        "write a CSV file that lists the files, or leave it out.",
        label=options.label,
        content=options.content,
        time=options.time,
        split=options.split,
    )
    groups, notes = _groups(contents, options.group)
    chosen = labels if options.labelled else None
    found = from_memory(contents, chosen, modality=options.modality, groups=groups, written=options.written)
    return found.with_notes(*notes)


def _groups(contents: Sequence[Any], asked: str | None) -> tuple[list[str] | None, list[str]]:
    """Groups by the paths, where contents are paths."""
    if asked is None:
        return None, []
    if not all(isinstance(content, (str, Path)) for content in contents):
        raise DataError(
            "Groups are found in paths, and the contents are not paths. Use "
            "headstart.data.readers.memory.from_memory(contents, labels, groups=…)."
        )
    groups, notes = groups_from_paths([Path(name).as_posix() for name in contents], asked, "the list of paths")
    return groups.to_pylist(), notes


def _is_sequence(value: object) -> bool:
    listed = isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray))
    return listed or hasattr(value, "__array__")


def _plain(values: Any) -> Sequence[Any]:
    return values if isinstance(values, Sequence) else list(np.asarray(values))
