"""Rows and columns of text files: CSV, TSV and JSON lines, plain or gzipped. Large ones stay on the disk."""

from __future__ import annotations

import ast
import codecs
import gzip
import io
import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import pyarrow as pa

from headstart.core.errors import DataError

DELIMITERS = {".csv": ",", ".tsv": "\t"}
LINES = (".jsonl", ".ndjson", ".json")
LARGE = 64_000_000
"""Files of more bytes than this are not held in memory."""
LOOKED_AT = 20
"""Values by which a column is taken for lists."""
BLOCK = 32_000_000
"""Bytes that are parsed at a time; no row can be longer."""
_QUOTED = re.compile(rb'"(?:[^"]|"")*"')


def suffix_of(name: str) -> str:
    """The ending that tells the format, lower case, without a .gz behind it."""
    return PurePosixPath(name.lower().removesuffix(".gz")).suffix


def is_text_table(name: str) -> bool:
    return suffix_of(name) in (*DELIMITERS, *LINES)


def read_rows(path: Path) -> pa.Table:
    """The table in a file. A large one is parsed in blocks to a file of Arrow's, which is mapped, not read.

    Raises:
        DataError: no permission, or what `parse` raises.
    """
    try:
        if path.stat().st_size > LARGE:
            return _clean(_on_disk(path), path.name)
        return parse(unzipped(path.read_bytes(), path.name), path.name)
    except PermissionError:
        raise DataError(f"No permission to read {path}.") from None


def parse(content: bytes, name: str) -> pa.Table:
    """Rows and columns of a CSV, TSV or JSON-lines file.

    Raises:
        DataError: it is empty, or not of that format; the message names the row.
    """
    from pyarrow import csv
    from pyarrow import json as lines

    if not content.strip():
        raise DataError(f"{name} is empty. It needs a header line and a row for each example.")
    suffix = suffix_of(name)
    try:
        if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):  # as spreadsheets save Unicode text
            content = content.decode("utf-16").encode()
        if suffix in LINES and _is_list(content):
            content = _as_lines(content, name)
        block = min(max(len(content) + 1, 1 << 20), (1 << 31) - 1)
        if suffix in DELIMITERS:
            rows = csv.read_csv(
                io.BytesIO(content),
                read_options=csv.ReadOptions(use_threads=False, block_size=block),
                **_csv_options(iter(content.splitlines()), suffix),
            )
        else:
            rows = lines.read_json(io.BytesIO(content), read_options=lines.ReadOptions(block_size=block))
    except (pa.ArrowInvalid, pa.ArrowKeyError, ValueError) as problem:
        raise _unparsed(name, problem) from None
    return _clean(rows, name)


def _is_list(content: bytes) -> bool:
    return content[:64].removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"[")


def _as_lines(content: bytes, name: str) -> bytes:
    """A JSON list of objects with one object a line."""
    items = json.loads(content)
    other = next((place for place, item in enumerate(items, 1) if not isinstance(item, dict)), None)
    if other is not None or not items:
        what = f"element {other} is no object" if items else "it is empty"
        raise DataError(f"{name} is a JSON list, but {what}. It needs an object for each example.")
    return b"\n".join(json.dumps(item).encode() for item in items)


def _csv_options(lines: Iterator[bytes], suffix: str) -> dict[str, Any]:
    from pyarrow import csv

    header = next(lines).lstrip(b"\xef\xbb\xbf")
    semicolons = suffix == ".csv" and header.count(b";") > header.count(b",")
    return {
        "parse_options": csv.ParseOptions(
            delimiter=";" if semicolons else DELIMITERS[suffix],
            quote_char='"' if suffix == ".csv" or _quotes(header, lines) else False,
            newlines_in_values=True,
        ),
        "convert_options": csv.ConvertOptions(strings_can_be_null=True, null_values=[""]),
    }


def _quotes(header: bytes, lines: Iterator[bytes]) -> bool:
    """Whether quotes around fields belong to the format, as spreadsheets write them, and not to the text: not where
    every line has its tabs, and some field begins with a quote that does not end it."""
    tabs, strange = header.count(b"\t"), False
    for line in lines:
        if line.strip() and line.count(b"\t") != tabs:
            return True
        if not strange and b'"' in line:
            fields = line.rstrip(b"\r\n").split(b"\t")
            strange = any(field.startswith(b'"') and not _QUOTED.fullmatch(field) for field in fields)
    return not strange


def _unparsed(name: str, problem: Exception) -> DataError:
    return DataError(
        f"{name} cannot be read as {suffix_of(name)[1:].upper()}: {str(problem).splitlines()[0]}. "
        "Mend that row, or save the file as UTF-8."
    )


def _on_disk(path: Path) -> pa.Table:
    """The rows of a large file, mapped from a temporary file that goes away with the process."""
    try:
        with _opened(path) as stream:
            return mapped(_blocks(stream, path))
    except (pa.ArrowInvalid, pa.ArrowKeyError, ValueError) as problem:
        raise _unparsed(path.name, problem) from None


def _opened(path: Path) -> BinaryIO:
    return gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb")  # type: ignore[return-value]


def _blocks(stream: BinaryIO, path: Path) -> Iterator[pa.RecordBatch]:
    from pyarrow import csv
    from pyarrow import json as lines

    suffix = suffix_of(path.name)
    if suffix in DELIMITERS:
        with _opened(path) as first:
            options = _csv_options(iter(first), suffix)
        return iter(csv.open_csv(stream, read_options=csv.ReadOptions(use_threads=False, block_size=BLOCK), **options))
    if _is_list(stream.peek(64)):  # type: ignore[attr-defined]
        stream = io.BytesIO(_as_lines(stream.read(), path.name))
    return iter(lines.open_json(stream, read_options=lines.ReadOptions(block_size=BLOCK)))


def mapped(batches: Iterator[pa.RecordBatch]) -> pa.Table:
    """The batches as a table that lies in a temporary file."""
    with tempfile.NamedTemporaryFile(suffix=".arrow") as file:  # mapped pages outlive the name
        first = next(batches)
        with pa.OSFile(file.name, "wb") as sink, pa.ipc.new_file(sink, first.schema) as writer:
            writer.write_batch(first)
            for batch in batches:
                writer.write_batch(batch)
        return pa.ipc.open_file(pa.memory_map(file.name)).read_all()


def unzipped(content: bytes, name: str) -> bytes:
    """What is in a file, which may be gzipped.

    Raises:
        DataError: it is gzipped and damaged.
    """
    if not name.lower().endswith(".gz"):
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError) as problem:
        raise DataError(f"{name} is not a whole gzip file ({problem}). Download or pack it again.") from None


def _clean(rows: pa.Table, name: str) -> pa.Table:
    """`rows` with the spaces around its column names removed, and without columns that have no name: nobody can ask
    for them, and spreadsheets write empty ones. What was written as lists is lists.

    Raises:
        DataError: two columns of one name, or text that is not UTF-8.
    """
    rows = rows.select([place for place, column in enumerate(rows.column_names) if column.strip()])
    columns = [column.strip() for column in rows.column_names]
    repeated = next((column for column in columns if columns.count(column) > 1), None)
    if repeated is not None:
        raise DataError(f"{name} has more than one column called '{repeated}'. Rename one of them.")
    for column, values in zip(columns, rows.columns, strict=True):
        if pa.types.is_binary(values.type):
            row = next(place for place, value in enumerate(values.to_pylist(), 1) if not _is_utf8(value))
            raise DataError(
                f"Row {row} of {name} is not UTF-8 in its column '{column}' (other rows may be). "
                "Save the whole file as UTF-8."
            )
    return pa.table([_lists(values) for values in rows.columns], names=columns)


def _lists(values: pa.ChunkedArray) -> pa.ChunkedArray | pa.Array:
    """Texts that all are lists as Python and JSON write them ("['O', 'B-person']"), as lists."""
    first = values.slice(0, LOOKED_AT).drop_null().to_pylist() if pa.types.is_string(values.type) else []
    if not first or not all(text.strip().startswith("[") and text.strip().endswith("]") for text in first):
        return values
    try:
        found = [None if value is None else ast.literal_eval(value.strip()) for value in values.to_pylist()]
        return pa.array(found) if any(isinstance(one, list) for one in found) else values
    except (ValueError, SyntaxError, MemoryError, RecursionError, pa.ArrowException):
        return values


def _is_utf8(value: bytes | None) -> bool:
    try:
        (value or b"").decode()
    except UnicodeDecodeError:
        return False
    return True
