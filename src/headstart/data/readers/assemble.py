"""The last steps of every reader: names of splits, groups from paths, and the table."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

import pyarrow as pa

from headstart.core.errors import DataError
from headstart.core.registry import suggest
from headstart.data.modalities import modalities, modality_of
from headstart.data.readers.listing import SPLIT_NAMES
from headstart.data.table import LABEL, Quarantined, Table


def split_name(name: str) -> str | None:
    """train, validation or test, for one of the usual spellings."""
    return SPLIT_NAMES.get(name.strip().lower())


def split_of_file(name: str) -> str | None:
    """The part that a file's name tells: `dev.conll`, `squad2_train.json`, `train-v2.0.json.gz`; None where it tells
    none, or two."""
    words = re.split(r"[^a-z]+", PurePosixPath(name.lower()).name)
    found = {part for word in words if (part := split_name(word)) is not None}
    return found.pop() if len(found) == 1 else None


@dataclass
class Draft:
    """Columns of a table to be, one entry a row."""

    ids: Sequence[str]
    paths: Sequence[str]
    members: Sequence[str | None]
    columns: Mapping[str, pa.Array]
    """Label columns, `split`, `group`, `time`, `domain`, where known."""

    def table(
        self,
        origin: str,
        modality: str,
        labels: tuple[str, ...] = (LABEL,),
        quarantine: Sequence[Quarantined] = (),
        notes: Sequence[str] = (),
        memory: Sequence[Any] = (),
    ) -> Table:
        fixed = {"id": pa.array(self.ids, pa.string()), "path": pa.array(self.paths, pa.string())}
        if any(member is not None for member in self.members):
            fixed["member"] = pa.array(self.members, pa.string())
        return Table(
            pa.table({**fixed, **self.columns}), origin, modality, memory, labels, tuple(quarantine), tuple(notes)
        )


def require_classes(labels: pa.ChunkedArray, origin: str) -> None:
    """Refuses labels of which there is only one.

    Raises:
        DataError: there is nothing to tell apart, or no label at all.
    """
    if pa.types.is_list(labels.type) or pa.types.is_large_list(labels.type) or pa.types.is_struct(labels.type):
        return
    distinct = [value for value in labels.unique().to_pylist() if value is not None]
    if not distinct:
        raise DataError(f"{origin} has no label in any row. Fill in the label column, or name another with --label.")
    if len(distinct) == 1:
        raise DataError(f"{origin} has one class only: '{distinct[0]}'. Add examples of at least one other class.")


def with_a_test(table: Table) -> Table:
    """Sets that are published often keep the answers of their test to themselves, or the test itself: then the
    validation part is what everyone is measured on."""
    parts = table.strings("split")
    if "validation" not in parts or not any(table.has(name) for name in table.labels):
        return table
    of_test = table.rows.filter(pa.array([part == "test" for part in parts]))
    if any(_tells(label.as_py()) for label in of_test.column(table.labels[0])):
        return table
    judged = table.with_column("split", ["test" if part == "validation" else part for part in parts])
    kept = judged.rows.filter(pa.array([part != "test" for part in parts]))
    left_out = f", and the {len(table) - kept.num_rows:,} rows without labels of its own are not read"
    told = left_out if kept.num_rows < len(table) else ", since there is no other"
    return replace(judged, rows=kept).with_notes(f"The validation part of {table.origin} is the test{told}.")


def _tells(label: Any) -> bool:
    """Whether a label, or one of a list, is there."""
    return any(one is not None for one in label) if isinstance(label, list) else label is not None


def groups_from_paths(names: Sequence[str], asked: str, origin: str) -> tuple[pa.Array, list[str]]:
    """The group of each file, and notes: `folder` for the folder it lies in, else a regular expression
    searched in its path, whose first bracket (or whole match) is the group. A file without a match is a group
    of its own.

    Raises:
        DataError: not a regular expression, or it matches nothing.
    """
    if asked == "folder":
        return pa.array([str(PurePosixPath(name).parent) for name in names], pa.string()), []
    try:
        pattern = re.compile(asked)
    except re.error as problem:
        raise DataError(
            f"'{asked}' is not a regular expression ({problem}). The files of {origin} have no "
            "columns: give `folder`, or an expression such as (patient[0-9]+)."
        ) from None
    found = [pattern.search(name) for name in names]
    if not any(found):
        raise DataError(
            f"'{asked}' is found in no path of {origin}, such as '{names[0]}'. Give `folder`, or "
            "an expression whose first bracket is the group, such as (patient[0-9]+)."
        )
    groups = [
        (match.group(1) if pattern.groups else match.group()) if match else name
        for match, name in zip(found, names, strict=True)
    ]
    missing = sum(match is None for match in found)
    notes = [f"{missing} of {len(names)} paths have no group by '{asked}'; each is a group of its own."]
    return pa.array(groups, pa.string()), notes if missing else []


def choose_modality(names: Sequence[str], asked: str | None) -> str | None:
    """The modality asked for, or the one to which most of the files belong; None: no file is of any.

    Raises:
        HeadstartError: there is no modality of the name asked for.
    """
    if asked is not None:
        modalities.get(asked)
        return asked
    counts: dict[str, int] = {}
    for name in names:
        found = modality_of(name)
        if found is not None:
            counts[found] = counts.get(found, 0) + 1
    return max(counts, key=lambda name: counts[name]) if counts else None


def refuse_options(origin: str, reason: str, **given: str | None) -> None:
    """Refuses options that have no meaning for this kind of target.

    Raises:
        DataError: one of them was given.
    """
    for option, value in given.items():
        if value is not None:
            raise DataError(f"{origin} has no column '{value}' (--{option}): {reason}")


def header_hint(names: Sequence[str]) -> str:
    """What to say where the names of columns look like a row of data."""
    strange = next((name for name in names if len(name.split()) > 3 or name.replace(".", "").isdigit()), None)
    return "" if strange is None else f" '{strange}' is no name of a column: give the table a header line."


def missing_column(origin: str, name: str, option: str, known: Sequence[str]) -> DataError:
    return DataError(f"{origin} has no column '{name}' (--{option}). {suggest(name, known)}")
