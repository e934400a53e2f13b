"""Tables in memory: whatever hands itself over as Arrow (pandas, Polars, PyArrow), and data sets of Hugging Face."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from headstart.core.errors import DataError
from headstart.data.contents import IN_MEMORY
from headstart.data.modalities import DEFAULT
from headstart.data.readers import Options, examples
from headstart.data.readers.assemble import Draft, choose_modality, split_name, with_a_test
from headstart.data.readers.columns import content_columns, has_contents
from headstart.data.readers.huggingface import is_heavy, with_class_names
from headstart.data.table import Table

ORIGIN = "the table"
_INDEX = "__index_level_"


def is_frame(target: Any) -> bool:
    """Whether it is a table in memory, or parts of one by their names."""
    if isinstance(target, Mapping):
        return bool(target) and all(is_frame(part) for part in target.values())
    is_data_set = hasattr(target, "with_format") and hasattr(target, "__len__")  # not one that is streamed
    return is_data_set or (hasattr(target, "__arrow_c_stream__") and hasattr(target, "columns"))


def read_frame(target: Any, options: Options) -> Table:
    """The table of examples. Paths in it are as they would be from the working folder.

    Raises:
        DataError: no column of contents, or none to learn; a column holds values of several types.
    """
    parted = isinstance(target, Mapping)
    rows, ids, notes = _parts(target) if parted else _whole(target)
    if not rows.num_rows:
        raise DataError(f"{ORIGIN} has no rows.")
    heavy = _heavy_column(rows, options)
    if heavy is None:
        found = examples.assemble(rows, ORIGIN, options, _beside, "row", ids)
    else:
        found = _of_cells(rows, heavy, options, ids)
    found = found.with_notes(*notes)
    return with_a_test(found) if parted else found


def _whole(target: Any) -> tuple[pa.Table, list[str], list[str]]:
    rows = _rows(target)
    return rows, examples.row_ids("row", rows.num_rows), []


def _parts(target: Mapping[str, Any]) -> tuple[pa.Table, list[str], list[str]]:
    """Rows with their part as `split`, their ids, and what there is to note."""
    found = {str(name): _rows(part) for name, part in target.items()}
    told = {name: part for name in found if (part := split_name(name)) is not None}
    others = [name for name in found if name not in told]
    if "train" not in told.values():
        raise DataError(f"Of the parts {', '.join(found)} none is called train. Give one table.")
    stacked = [
        rows.drop_columns(["split"] if "split" in rows.column_names else []).append_column(
            "split", pa.array([told[name]] * len(rows), pa.string())
        )
        for name, rows in found.items()
        if name in told
    ]
    ids = [row for name in found if name in told for row in examples.row_ids(name, len(found[name]))]
    notes = [f"Not read, since their names tell no part: {', '.join(others)}."] if others else []
    return pa.concat_tables(stacked, promote_options="permissive"), ids, notes


def _beside(file: str) -> tuple[str, str | None]:
    return str(Path(file).absolute()), None


def _rows(target: Any) -> pa.Table:
    """As Arrow, in the types that files have."""
    try:
        if hasattr(target, "with_format"):
            schema = target.features.arrow_schema
            return with_class_names(pa.table(target.with_format("arrow")[:]).replace_schema_metadata(None), schema)
        rows = pa.table(target)
    except pa.ArrowException as problem:
        raise DataError(
            "The table holds a column with values of several types, or of one that is not known: "
            f"{'; '.join(map(str, problem.args))}. Give each column one, or leave that column out."
        ) from None
    kept = [name for name in rows.column_names if not name.startswith(_INDEX)]
    return pa.table({name: _plain(rows.column(name)) for name in kept})


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if not pa.types.is_dictionary(column.type):
        return column.cast(_plain_type(column.type))
    kind = _plain_type(column.type.value_type)
    return pa.chunked_array([chunk.dictionary.cast(kind).take(chunk.indices) for chunk in column.chunks], kind)


def _plain_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_large_list(kind) or pa.types.is_list(kind):
        return pa.list_(_plain_type(kind.value_type))
    return pa.string() if pa.types.is_string_view(kind) or pa.types.is_large_string(kind) else kind


def _heavy_column(rows: pa.Table, options: Options) -> str | None:
    """The column of contents, where it holds files."""
    if options.written and not has_contents(rows):
        return None
    column = content_columns(rows, options.content, ORIGIN, options.label)[0]
    return column if is_heavy(rows.schema.field(column).type) else None


def _of_cells(rows: pa.Table, column: str, options: Options, ids: Sequence[str]) -> Table:
    cells = Cells(rows.column(column))
    columns, labels, notes = examples.value_columns(rows, options, ORIGIN, ids, [column])
    draft = Draft(ids, [IN_MEMORY] * len(ids), [str(row) for row in range(len(ids))], columns)
    modality = choose_modality([cells.name(0)], options.modality) or DEFAULT
    return examples.learnable(draft.table(ORIGIN, modality, labels, (), notes, memory=cells), options)


class Cells(Sequence[Any]):
    """Files in the cells of a column: bytes, or {bytes, path}."""

    def __init__(self, column: pa.ChunkedArray) -> None:
        self._column = column

    def __len__(self) -> int:
        return len(self._column)

    def __getitem__(self, row: Any) -> Any:
        cell = self._column[row].as_py()
        if not isinstance(cell, dict):
            return cell
        return Path(cell["path"]).read_bytes() if cell["bytes"] is None and cell.get("path") else cell["bytes"]

    def name(self, row: int) -> str:
        """Of the file, where the cell has it."""
        cell = self._column[row].as_py()
        return str(cell.get("path") or "") if isinstance(cell, dict) else ""
