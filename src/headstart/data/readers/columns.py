"""Which column of a table is what, by the usual names, and what its labels are."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as compute

from headstart.core.errors import DataError
from headstart.data.modalities import modality_of
from headstart.data.readers.assemble import missing_column

CONTENT_NAMES = (
    "path",
    "file",
    "filename",
    "file_name",
    "filepath",
    "file_path",
    "image",
    "img",
    "image_path",
    "img_path",
    "image_file",
    "photo",
    "picture",
    "audio",
    "content",
)
LABEL_NAMES = ("label", "labels", "class", "class_name", "target", "category", "y", "tags", "species")
GROUP_WORDS = ("patient", "subject", "person", "speaker", "video", "scene", "session", "user", "site")
SEPARATORS = (";", "|")


def content_column(rows: pa.Table, asked: str | None, origin: str) -> str:
    """The column that holds paths or contents: the one asked for, else one with a usual name, else the only
    one whose values end like files of a known modality.

    Raises:
        DataError: no such column; the message names those there are.
    """
    if asked is not None:
        if asked not in rows.column_names:
            raise missing_column(origin, asked, "content", rows.column_names)
        return asked
    lowered = {name.lower(): name for name in reversed(rows.column_names)}
    candidates: list[str] = [lowered[name] for name in CONTENT_NAMES if name in lowered]
    holding: list[str] = [name for name in rows.column_names if _holds_contents(rows.column(name))]
    for name in candidates:
        if name in holding:
            return name
    if len(holding) == 1 or (holding and not candidates):
        return holding[0]
    if candidates:
        return candidates[0]
    raise DataError(
        f"{origin} has no column of paths that is known by its name or its values. The columns "
        f"are {', '.join(rows.column_names)}; name it with --content."
    )


def label_columns(rows: pa.Table, asked: str | None, origin: str, content: str) -> list[str]:
    """The columns to learn: those asked for (`a,b`), else the first with a usual name.

    Raises:
        DataError: no such column; the message names those there are.
    """
    if asked is not None:
        names = [asked] if asked in rows.column_names else [name.strip() for name in asked.split(",")]
        for name in names:
            if name not in rows.column_names:
                raise missing_column(origin, name, "label", rows.column_names)
        return names
    lowered = {name.lower(): name for name in reversed(rows.column_names) if name != content}
    for name in LABEL_NAMES:
        if name in lowered:
            return [lowered[name]]
    others = [name for name in rows.column_names if name != content]
    raise DataError(
        f"{origin} has no column with a usual name for labels ({', '.join(LABEL_NAMES[:6])}). "
        f"Name it with --label; there are: {', '.join(others) or 'no other columns'}."
    )


def label_values(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Labels as they are learned: strings, numbers, or lists of strings for several labels at once.

    Lists stay lists. Text becomes lists when `;` or `|` is in at least one value and each of the parts of
    such values is found in another row too. Empty text and floats that are not numbers are missing labels.
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return column.cast(pa.list_(pa.string()))
    if pa.types.is_floating(kind):
        return compute.if_else(compute.is_nan(column), None, column)
    if pa.types.is_boolean(kind) or pa.types.is_null(kind):
        return column.cast(pa.string())
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return column
    stripped = compute.utf8_trim_whitespace(column.cast(pa.string()))
    text = compute.if_else(compute.equal(stripped, ""), None, stripped)
    for separator in SEPARATORS:
        split = _lists(text, separator)
        if split is not None:
            return pa.chunked_array([split])
    return text


def group_hint(rows: pa.Table) -> list[str]:
    """A note when a column looks like groups that nobody named."""
    for name in rows.column_names:
        if any(word in name.lower() for word in GROUP_WORDS):
            distinct = compute.count_distinct(rows.column(name)).as_py()
            if 1 < distinct < rows.num_rows:
                return [
                    f"The column '{name}' has {distinct} values in {rows.num_rows} rows. If rows that "
                    f"share one belong together, keep them in one part with --group {name}."
                ]
    return []


def _lists(text: pa.ChunkedArray, separator: str) -> pa.Array | None:
    values = text.to_pylist()
    if not any(value is not None and separator in value for value in values):
        return None
    lists = [
        None if value is None else [part.strip() for part in value.split(separator) if part.strip()] for value in values
    ]
    rows_with: dict[str, int] = {}
    for parts in lists:
        for part in set(parts or ()):
            rows_with[part] = rows_with.get(part, 0) + 1
    several = {part for parts in lists if parts is not None and len(parts) > 1 for part in parts}
    return pa.array(lists, pa.list_(pa.string())) if all(rows_with[part] > 1 for part in several) else None


def _holds_contents(column: pa.ChunkedArray) -> bool:
    """Pictures as bytes, or paths with a known ending (judged by the first that is not empty)."""
    kind = column.type
    if pa.types.is_struct(kind):
        return bool(kind.get_field_index("bytes") >= 0)
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return True
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return False
    first = str(next((value.as_py() for value in column if value.as_py()), ""))
    return modality_of(first) is not None
