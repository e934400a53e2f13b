"""Which column of a table is what, by the usual names, and what its labels are."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Mapping

import pyarrow as pa
import pyarrow.compute as compute

from headstart.core.errors import DataError
from headstart.data.answers import states_answers
from headstart.data.modalities import modality_of
from headstart.data.readers.assemble import header_hint, missing_column

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
TEXT_NAMES = (
    "text",
    "sentence",
    "review",
    "message",
    "body",
    "document",
    "comment",
    "tweet",
    "utterance",
    "question",
    "content",
    "description",
    "title",
    "tokens",
    "words",
)
PAIRS = (
    ("question", "context"), ("sentence1", "sentence2"), ("sentence_1", "sentence_2"), ("sentence_a", "sentence_b"),
    ("question1", "question2"), ("premise", "hypothesis"), ("question", "sentence"), ("text1", "text2"),
    ("text_a", "text_b"), ("query", "passage"),
)  # fmt: skip
"""Columns of texts that are read together where both are there."""
LABEL_NAMES = ("label", "labels", "class", "class_name", "target", "category", "y", "tags", "ner_tags", "pos_tags",
               "species", "sentiment", "intent", "topic", "answers")  # fmt: skip
GROUP_WORDS = ("patient", "subject", "person", "speaker", "video", "scene", "session", "user", "site")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
SEPARATORS = (";", "|")


LOOKED_AT = 20
"""Values by which a column is judged."""


def has_contents(rows: pa.Table) -> bool:
    """Whether a column holds paths of files that can be learned from, or the files themselves."""
    return any(_holds_contents(rows.column(name)) for name in rows.column_names)


def content_columns(rows: pa.Table, asked: str | None, origin: str, label: str | None = None) -> list[str]:
    """The columns that hold paths, pictures or texts: those asked for (`a,b`), else one whose values are paths of a
    known modality or pictures, else a pair or one of text with usual names, else the one with the longest texts.

    Args:
        label: the columns to learn, which are not contents.

    Raises:
        DataError: no such column; the message names those there are.
    """
    if asked is not None:
        names = [asked] if asked in rows.column_names else [name.strip() for name in asked.split(",")]
        for name in names:
            if name not in rows.column_names:
                raise missing_column(origin, name, "content", rows.column_names)
        return names
    learned = {label, *(label or "").split(",")}
    columns = [name for name in rows.column_names if name not in learned]
    lowered = {name.lower(): name for name in reversed(columns)}
    candidates: list[str] = [lowered[name] for name in CONTENT_NAMES if name in lowered]
    holding: list[str] = [name for name in columns if _holds_contents(rows.column(name))]
    for name in candidates:
        if name in holding:
            return [name]
    if len(holding) == 1 or (holding and not candidates):
        return [holding[0]]
    texts = [name for name in columns if _is_text(rows.column(name).type)]
    for pair in PAIRS:
        if all(lowered.get(name) in texts for name in pair):
            return [lowered[name] for name in pair]
    for name in TEXT_NAMES:
        if lowered.get(name) in texts:
            return [lowered[name]]
    if candidates:
        return [candidates[0]]
    longest = max(texts, key=lambda name: _mean_length(rows.column(name)), default=None)
    if longest is not None and longest.lower() not in (*LABEL_NAMES, "split") and _has_spaces(rows.column(longest)):
        return [longest]
    strange = header_hint(rows.column_names)
    raise DataError(
        f"{origin} has no column of paths or texts that is known by its name or its values. The columns "
        f"are {', '.join(rows.column_names)}; name it with --content. "
        f"Values over time and ratings have none: say --task forecasting, anomaly or recommendation.{strange}"
    )


def holds_paths(column: pa.ChunkedArray, name: str) -> bool:
    """Whether a column is taken for paths: by its values, or by its name where no value has spaces."""
    if not _is_text(column.type) or _mostly_paths(column):
        return not pa.types.is_list(column.type)
    return name.lower() in CONTENT_NAMES[:-1] and not _has_spaces(column)


def label_columns(rows: pa.Table, asked: str | None, origin: str, contents: Collection[str]) -> list[str]:
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
    lowered = {name.lower(): name for name in reversed(rows.column_names) if name not in contents}
    for name in LABEL_NAMES:
        if name in lowered:
            return [lowered[name]]
    others = [name for name in rows.column_names if name not in contents]
    hint = f"Name it with --label; there are: {', '.join(others)}." if others else "Add one: there is no other column."
    raise DataError(
        f"{origin} has no column with a usual name for labels ({', '.join(LABEL_NAMES[:6])}). {hint}"
        + header_hint(rows.column_names)
    )


def label_values(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Labels as they are learned: strings, numbers, or lists of strings for several labels at once.

    Lists stay lists. Text becomes lists when `;` or `|` is in at least one value and each of the parts of
    such values is found in another row too. Empty text and floats that are not numbers are missing labels.
    Answers with their places in a context stay as they are.
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if states_answers(kind):
        return column
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


def together(columns: Mapping[str, pa.ChunkedArray]) -> pa.Array | None:
    """Columns that say 0 or 1 as one label: the names of those that say 1, in lists. None where any says something
    else."""
    if not all(_is_flag(column) for column in columns.values()):
        return None
    flags = [column.cast(pa.float64()).to_pylist() for column in columns.values()]
    lists = [
        None if None in row else [name for name, flag in zip(columns, row, strict=True) if flag]
        for row in zip(*flags, strict=True)
    ]
    return pa.array(lists, pa.list_(pa.string()))


def _is_flag(column: pa.ChunkedArray) -> bool:
    kind = column.type
    if pa.types.is_boolean(kind):
        return True
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        return False
    return {0, 1} >= {value for value in column.unique().to_pylist() if value is not None}


def group_hint(rows: pa.Table, used: Collection[str]) -> list[str]:
    """A note when a column that is not `used` looks like groups that nobody named."""
    for name in rows.column_names:
        words = {word.lower().removesuffix("s").removesuffix("id") for word in _WORD.findall(name)}
        if name not in used and not words.isdisjoint(GROUP_WORDS):
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
    return _is_text(kind) and _mostly_paths(column)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_list(kind))


def _first(column: pa.ChunkedArray) -> list[str]:
    """The first few values that are not empty."""
    found = (value for value in column.slice(0, 50 * LOOKED_AT).to_pylist() if value)
    return [str(value) for value in itertools.islice(found, LOOKED_AT)]


def _mostly_paths(column: pa.ChunkedArray) -> bool:
    """Whether most values end like files of a known modality."""
    values = _first(column)
    return 2 * sum(len(value) < 1024 and modality_of(value.strip()) is not None for value in values) > len(values)


def _mean_length(column: pa.ChunkedArray) -> float:
    values = _first(column)
    return sum(map(len, values)) / max(1, len(values))


def _has_spaces(column: pa.ChunkedArray) -> bool:
    return any(" " in value.strip() for value in _first(column))
