"""Tables in files: CSV, TSV, JSON lines and Parquet, with a column of paths or of contents."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

import pyarrow as pa

from headstart.core.errors import DataError
from headstart.data.readers import Options
from headstart.data.readers.assemble import (
    Draft,
    choose_modality,
    groups_from_paths,
    missing_column,
    require_classes,
    split_name,
)
from headstart.data.readers.columns import (
    content_column,
    group_hint,
    label_columns,
    label_values,
)
from headstart.data.readers.listing import Listing
from headstart.data.table import LABEL, STANDARD_COLUMNS, Table

Place = Callable[[str], tuple[str, str | None]]
"""From a path as the table has it to (path, member)."""
_TEXT = {".csv": ",", ".tsv": "\t"}
_LINES = (".jsonl", ".ndjson", ".json")


def is_text_table(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in (*_TEXT, *_LINES)


class Tabular:
    """Reads one table file; paths in it are relative to it."""

    def recognises(self, path: Path) -> bool:
        return path.is_file() and (is_text_table(path.name) or path.suffix.lower() == ".parquet")

    def read(self, path: Path, options: Options) -> Table:
        if path.suffix.lower() == ".parquet":
            from headstart.data.readers import huggingface

            return huggingface.read_files([(path, None)], path, options)
        try:
            rows = parse(path.read_bytes(), path.name)
        except PermissionError:
            raise DataError(f"No permission to read {path}.") from None
        folder = path.absolute().parent
        return assemble(rows, str(path), options, lambda name: (str(folder / name), None), path.name)


def read_listed(listing: Listing, name: str, options: Options) -> Table:
    """The table of file `name` in a zip, with the paths in it relative to it."""
    return assemble(parse(listing.bytes(name), name), f"{listing.root}/{name}", options, listing.place, name)


def parse(content: bytes, name: str) -> pa.Table:
    """Rows and columns of a CSV, TSV or JSON-lines file.

    Raises:
        DataError: it is empty, or not of that format; the message names the row.
    """
    from pyarrow import csv
    from pyarrow import json as lines

    if not content.strip():
        raise DataError(f"{name} is empty. It needs a header line and a row for each example.")
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in _LINES and content.lstrip()[:1] == b"[":
        raise DataError(f"{name} is one JSON list. Write one object a line (JSON lines) instead.")
    try:
        if suffix in _TEXT:
            header = content.lstrip(b"\xef\xbb\xbf").splitlines()[0]
            delimiter = ";" if suffix == ".csv" and header.count(b";") > header.count(b",") else _TEXT[suffix]
            rows = csv.read_csv(
                io.BytesIO(content),
                read_options=csv.ReadOptions(use_threads=False),
                parse_options=csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
                convert_options=csv.ConvertOptions(strings_can_be_null=True, null_values=[""]),
            )
        else:
            rows = lines.read_json(io.BytesIO(content))
    except (pa.ArrowInvalid, pa.ArrowKeyError, UnicodeDecodeError) as problem:
        raise DataError(
            f"{name} cannot be read as {suffix[1:].upper()}: {str(problem).splitlines()[0]}. "
            "Mend that row, or save the file as UTF-8."
        ) from None
    return _clean(rows, name)


def _clean(rows: pa.Table, name: str) -> pa.Table:
    """`rows` with the spaces around its column names removed.

    Raises:
        DataError: two columns of one name, or text that is not UTF-8.
    """
    columns = [column.strip() for column in rows.column_names]
    repeated = next((column for column in columns if columns.count(column) > 1), None)
    if repeated is not None:
        raise DataError(f"{name} has more than one column called '{repeated}'. Rename one of them.")
    for column, kind in zip(columns, rows.schema.types, strict=True):
        if pa.types.is_binary(kind):
            raise DataError(f"The column '{column}' of {name} is not UTF-8. Save the file as UTF-8.")
    return rows.rename_columns(columns)


def assemble(rows: pa.Table, origin: str, options: Options, place: Place, name: str) -> Table:
    """The table of examples for `rows`, whose content column holds paths."""
    if rows.num_rows == 0:
        raise DataError(f"{origin} has a header and no rows.")
    known = rows.column_names
    column = content_column(rows, options.content, origin)
    files = [_plain(value) for value in rows.column(column).to_pylist()]
    if all(value is None for value in files):
        raise DataError(f"{origin} has no path in any row of its column '{column}'.")
    places = [place(value) if value is not None else ("", None) for value in files]
    modality = choose_modality([value for value in files if value is not None], options.modality)
    if modality is None:
        raise DataError(
            f"The column '{column}' of {origin} holds no paths of files that can be learned "
            f"from; its first value is '{files[0]}'. The columns are {', '.join(known)}; choose "
            "with --content."
        )
    _require_some(places, files, origin, place)
    ids = row_ids(name, rows.num_rows)
    columns, labels, notes = value_columns(rows, options, origin, [value or "" for value in files], column)
    table = Draft(ids, [path for path, _ in places], [member for _, member in places], columns).table(
        origin, modality, labels, (), notes
    )
    for label in labels:
        require_classes(table.column(label), origin)
    return table


def value_columns(
    rows: pa.Table, options: Options, origin: str, files: Sequence[str], content: str
) -> tuple[dict[str, pa.Array], tuple[str, ...], list[str]]:
    """Labels, split, group, time and domain from the columns of `rows`; the names of the labels; notes."""
    columns: dict[str, pa.Array] = {}
    labels: tuple[str, ...] = ()
    notes: list[str] = []
    if options.labelled:
        chosen = label_columns(rows, options.label, origin, content)
        labels = tuple(chosen) if len(chosen) > 1 else (LABEL,)
        for name, column in zip(labels, chosen, strict=True):
            if name != LABEL and name in STANDARD_COLUMNS:
                raise DataError(
                    f"A label column of {origin} is called '{name}', which has a meaning of its "
                    "own here. Rename the column."
                )
            columns[name] = label_values(rows.column(column))
    if "domain" in rows.column_names and "domain" not in labels:
        columns["domain"] = rows.column("domain").cast(pa.string())
    notes += _add_split(columns, rows, options.split, origin)
    notes += _add_group(columns, rows, options.group, origin, files)
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
    columns: dict[str, pa.Array], rows: pa.Table, asked: str | None, origin: str, files: Sequence[str]
) -> list[str]:
    if asked is None and "group" not in rows.column_names:
        return group_hint(rows)
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
        f"None of the {len(files)} files that {origin} lists is there; row {row} says '{first}', "
        f"which would be {place(first)[0]}. Paths are relative to the table."
    )
