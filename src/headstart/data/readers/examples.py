"""From rows of a table to examples: contents that are paths, pictures or texts, and what else is known of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from headstart.core.errors import DataError
from headstart.data.answers import ARTICLE, states_answers
from headstart.data.contents import IN_MEMORY
from headstart.data.readers import Options, pairs
from headstart.data.readers.assemble import (
    Draft,
    choose_modality,
    groups_from_paths,
    missing_column,
    require_classes,
    split_name,
)
from headstart.data.readers.columns import (
    content_columns,
    group_hint,
    has_contents,
    holds_paths,
    label_columns,
    label_values,
    together,
)
from headstart.data.table import LABEL, STANDARD_COLUMNS, Table

Place = Callable[[str], tuple[str, str | None]]
"""From a path as the table has it to (path, member)."""


class Texts(Sequence[Any]):
    """Contents that are cells of one column, or of several that belong together."""

    def __init__(self, rows: pa.Table, columns: Sequence[str]) -> None:
        self._columns = {name: _as_text(rows.column(name)) for name in columns}
        self._count = int(rows.num_rows)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, row: Any) -> Any:
        """A string or a list of words; a mapping from column to string where there are several columns."""
        values = {name: column[row].as_py() for name, column in self._columns.items()}
        return next(iter(values.values())) if len(values) == 1 else values


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column if pa.types.is_list(column.type) else column.cast(pa.large_string())


def assemble(rows: pa.Table, origin: str, options: Options, place: Place, name: str, ids: Sequence[str] = ()) -> Table:
    """The table of examples for `rows`, whose content columns hold paths or texts.

    Args:
        ids: of the rows, where they are not those of one file, `name`.
    """
    if rows.num_rows == 0:
        raise DataError(f"{origin} has a header and no rows.")
    if options.written and not (options.content is None and has_contents(rows)):
        rows = pairs.flattened(rows)
        options = pairs.named(rows, options, origin)
    chosen = content_columns(rows, options.content, origin, options.label)
    if len(chosen) == 1 and holds_paths(rows.column(chosen[0]), chosen[0]):
        return _of_paths(rows, chosen[0], origin, options, place, ids or row_ids(name, rows.num_rows))
    ids = ids or row_ids(name, rows.num_rows)
    columns, labels, notes = value_columns(rows, options, origin, ids, chosen)
    draft = Draft(ids, [IN_MEMORY] * rows.num_rows, [str(row) for row in range(rows.num_rows)], columns)
    table = draft.table(origin, "text", labels, (), notes, memory=Texts(rows, chosen))
    return learnable(replace(table, contents=tuple(chosen)), options)


def _of_paths(rows: pa.Table, column: str, origin: str, options: Options, place: Place, ids: Sequence[str]) -> Table:
    files = [_plain(value) for value in rows.column(column).to_pylist()]
    if all(value is None for value in files):
        raise DataError(f"{origin} has no path in any row of its column '{column}'.")
    places = [place(value) if value is not None else ("", None) for value in files]
    modality = choose_modality([value for value in files if value is not None], options.modality)
    if modality is None:
        raise DataError(
            f"The column '{column}' of {origin} holds no paths of files that can be learned "
            f"from; its first value is '{files[0]}'. The columns are {', '.join(rows.column_names)}; choose "
            "with --content."
        )
    _require_some(places, files, origin, place)
    columns, labels, notes = value_columns(rows, options, origin, [value or "" for value in files], [column])
    draft = Draft(ids, [path for path, _ in places], [member for _, member in places], columns)
    return learnable(draft.table(origin, modality, labels, (), notes), options)


def learnable(table: Table, options: Options) -> Table:
    """The same table.

    Raises:
        DataError: a column of classes has one only.
    """
    for label in () if options.written else table.labels:
        if table.has(label):
            require_classes(table.column(label), table.origin)
    return table


def value_columns(
    rows: pa.Table, options: Options, origin: str, files: Sequence[str], contents: Collection[str]
) -> tuple[dict[str, pa.Array], tuple[str, ...], list[str]]:
    """Labels, split, group, time and domain from the columns of `rows`; the names of the labels; notes."""
    columns: dict[str, pa.Array] = {}
    labels: tuple[str, ...] = ()
    notes: list[str] = []
    chosen = label_columns(rows, options.label, origin, contents) if options.labelled else []
    flags = together({name: rows.column(name) for name in chosen}) if len(chosen) > 1 and not options.written else None
    if flags is not None:
        columns[LABEL], labels = flags, (LABEL,)
    elif chosen:
        labels = tuple(chosen) if len(chosen) > 1 else (LABEL,)
        for name, column in zip(labels, chosen, strict=True):
            if name != LABEL and name in STANDARD_COLUMNS:
                raise DataError(
                    f"A label column of {origin} is called '{name}', which has a meaning of its "
                    "own here. Rename the column."
                )
            columns[name] = (pairs.answers if options.written else label_values)(rows.column(column))
            if pa.types.is_struct(columns[name].type) and not states_answers(columns[name].type):
                fields = ", ".join(field.name for field in columns[name].type)
                raise DataError(
                    f"The column '{column}' of {origin} has several fields a row ({fields}), and no task learns these. "
                    "Give a column with one value a row."
                )
            if states_answers(columns[name].type) and ARTICLE in rows.column_names:
                columns[ARTICLE] = rows.column(ARTICLE).cast(pa.string())
    if "domain" in rows.column_names and "domain" not in labels:
        columns["domain"] = rows.column("domain").cast(pa.string())
    notes += _add_split(columns, rows, options.split, origin)
    notes += _add_group(columns, rows, options.group, origin, files, {*contents, *chosen})
    if options.time is not None:
        if options.time not in rows.column_names:
            raise missing_column(origin, options.time, "time", rows.column_names)
        columns["time"] = rows.column(options.time)
    return columns, labels, notes


def _add_split(columns: dict[str, pa.Array], rows: pa.Table, asked: str | None, origin: str) -> list[str]:
    name = asked or "split"
    if name not in rows.column_names:
        if asked is None:
            return []
        raise missing_column(origin, asked, "split", rows.column_names)
    values = [str(value) for value in rows.column(name).to_pylist()]
    strange = sorted({value for value in values if split_name(value) is None})
    if strange and asked is None:
        return [f"The column 'split' of {origin} is not used: it says '{strange[0]}', not train, validation or test."]
    if strange:
        raise DataError(
            f"The column '{name}' of {origin} says '{strange[0]}' in row "
            f"{values.index(strange[0]) + 1}. Use train, validation and test."
        )
    columns["split"] = pa.array([split_name(value) for value in values], pa.string())
    return []


def _add_group(
    columns: dict[str, pa.Array],
    rows: pa.Table,
    asked: str | None,
    origin: str,
    files: Sequence[str],
    used: Collection[str],
) -> list[str]:
    if asked is None and "group" not in rows.column_names:
        return group_hint(rows, used)
    name = asked or "group"
    if name in rows.column_names:
        columns["group"] = rows.column(name).cast(pa.string())
        return []
    if name != "folder" and "(" not in name:
        raise missing_column(origin, name, "group", rows.column_names)
    columns["group"], notes = groups_from_paths(files, name, origin)
    return notes


def row_ids(name: str, count: int) -> list[str]:
    """`labels.csv:07`: rows from 1, of one width so that their order is that of the file."""
    width = len(str(count))
    return [f"{name}:{row:0{width}d}" for row in range(1, count + 1)]


def _plain(value: object) -> str | None:
    text = "" if value is None else str(value).strip()
    return text.replace("\\", "/") if text else None


def _require_some(
    places: Sequence[tuple[str, str | None]], files: Sequence[str | None], origin: str, place: Place
) -> None:
    """Refuses a table of which not a single file is there (a wrong folder, most often)."""
    if any(member is not None or (path and Path(path).exists()) for path, member in places):
        return
    first = next(value for value in files if value is not None)
    row = list(files).index(first) + 1
    raise DataError(
        f"No file that {origin} lists is there; row {row} says '{first}', "
        f"which would be {place(first)[0]}. Paths are relative to the table."
    )
