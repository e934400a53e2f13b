"""Reading what a row stands for: a file, a member of a zip, a cell of a Parquet or Arrow file, an object in
memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as compute
from numpy.typing import NDArray

from headstart.core import fingerprints
from headstart.data.table import Examples, Table

Content = Any
"""Bytes as they lie in the file, or the object that was handed over in memory."""

IN_MEMORY = "memory"


class Unreadable(Exception):  # noqa: N818 -- a state of an item, not an error of a run
    """This one item cannot be read; the message is the reason that quarantine shows."""


class Contents:
    """Random access to the contents of a table's rows; safe to use from several threads."""

    def __init__(self, table: Table) -> None:
        self._paths: pa.ChunkedArray = table.column("path")
        self._members: pa.ChunkedArray | None = table.column("member") if table.has("member") else None
        self._memory = table.memory
        self._archives: dict[str, Any] = {}
        self._cells: dict[str, _Cells] = {}
        self._lock = threading.Lock()

    def read(self, row: int) -> Content:
        """The content of row `row`.

        Raises:
            Unreadable: the file cannot be read.
        """
        path = self._paths[row].as_py()
        member = self._members[row].as_py() if self._members is not None else None
        if not path:
            raise Unreadable("the row has no path")
        try:
            if member is None:
                return Path(path).read_bytes()
            if path == IN_MEMORY:
                return self._memory[int(member)]
            if path.lower().endswith(".zip"):
                return self._zip_member(path, member)
            return self._cell(path, member)
        except FileNotFoundError:
            raise Unreadable("the file does not exist") from None
        except PermissionError:
            raise Unreadable("no permission to read the file") from None
        except IsADirectoryError:
            raise Unreadable("it is a folder, not a file") from None

    def at_hand(self, row: int) -> Content | None:
        """The content of row `row` if it is in memory, so that no file is read; else None."""
        return self.read(row) if len(self._memory) else None

    def _zip_member(self, path: str, member: str) -> bytes:
        import zipfile
        import zlib

        with self._lock:  # one file position an archive
            if path not in self._archives:
                self._archives[path] = zipfile.ZipFile(path)
            try:
                return bytes(self._archives[path].read(member))
            except KeyError:
                raise Unreadable("the file is not in the zip") from None
            except (zipfile.BadZipFile, zlib.error, RuntimeError) as problem:
                raise Unreadable(f"damaged or encrypted in the zip ({problem})") from None

    def _cell(self, path: str, member: str) -> bytes:
        column, _, row = member.rpartition("@")
        name = f"{path}\n{column}"
        with self._lock:
            if name not in self._cells:
                kind = _ArrowCells if path.endswith(".arrow") else _ParquetCells
                self._cells[name] = kind(path, column)
            value = self._cells[name].value(int(row))
        if value is None:
            raise Unreadable("the cell is empty")
        return value.encode() if isinstance(value, str) else bytes(value)


def contents_of(examples: Examples | Table) -> Iterator[Content]:
    """The contents of `examples`, in their order."""
    if isinstance(examples, Table):
        return map(Contents(examples).read, range(len(examples)))
    return map(Contents(examples.table).read, examples.indices.tolist())


@dataclass(frozen=True)
class Told:
    """What some examples tell: contents, read anew whenever they are asked for, and labels."""

    examples: Examples
    labels: Sequence[Any]

    @staticmethod
    def by(examples: Examples, label: str) -> Told:
        return Told(examples, examples.labels(label))

    def contents(self) -> Iterator[Content]:
        return contents_of(self.examples)


class _Cells(Protocol):
    """One column of a file; the caller holds a lock."""

    def value(self, row: int) -> bytes | str | None: ...


class _ParquetCells:
    """One column of a Parquet file, with two row groups in memory at most: threads that read in order are at
    a border together."""

    def __init__(self, path: str, column: str) -> None:
        import pyarrow.parquet as parquet

        self._file = parquet.ParquetFile(path)
        self._column = column
        groups = [self._file.metadata.row_group(group).num_rows for group in range(self._file.num_row_groups)]
        self._ends = np.cumsum(groups)
        self._held: dict[int, pa.ChunkedArray] = {}

    def value(self, row: int) -> bytes | str | None:
        group = int(np.searchsorted(self._ends, row, side="right"))
        if group not in self._held:
            while len(self._held) > 1:
                self._held.pop(next(iter(self._held)))
            rows = self._file.read_row_group(group, columns=[self._column])
            self._held[group] = _content_of(rows.column(0))
        start = int(self._ends[group - 1]) if group else 0
        return cast("bytes | str | None", self._held[group][row - start].as_py())


class _ArrowCells:
    """One column of an Arrow file, mapped from the disk: only the pages that are touched are in memory."""

    def __init__(self, path: str, column: str) -> None:
        self._values = _content_of(open_arrow(path).column(column))

    def value(self, row: int) -> bytes | str | None:
        return cast("bytes | str | None", self._values[row].as_py())


def open_arrow(path: str) -> pa.Table:
    """The table of an Arrow file (streaming or random access format) without copying it into memory."""
    mapped = pa.memory_map(path)
    try:
        return pa.ipc.open_stream(mapped).read_all()
    except pa.ArrowInvalid:
        return pa.ipc.open_file(mapped).read_all()


def _content_of(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """The bytes of a column: itself, or the field `bytes` of Hugging Face's {bytes, path}."""
    return compute.struct_field(values, "bytes") if pa.types.is_struct(values.type) else values


def digest(content: Content) -> str:
    """The name of a content: equal contents have equal names, wherever they lie.

    Raises:
        Unreadable: an object without values, such as None.
    """
    if isinstance(content, (bytes, bytearray, memoryview)):
        return fingerprints.of_bytes(bytes(content))
    if isinstance(content, str):
        return fingerprints.of_bytes(content.encode("utf-8", "surrogatepass"))
    if isinstance(content, (dict, list)):
        return fingerprints.of_json(content)
    if isinstance(content, tuple):  # such as samples and their rate
        return fingerprints.of_json([digest(part) for part in map(np.atleast_1d, content)])
    if content is None:
        raise Unreadable("there is nothing in it")
    try:
        array: NDArray[Any] = np.asarray(content)
    except (OSError, ValueError, TypeError) as problem:  # such as a picture whose file is closed
        raise Unreadable(f"its values cannot be read ({problem})") from None
    if array.dtype.hasobject or array.ndim == 0:
        raise Unreadable(f"an object of type {type(content).__name__}; give an array, a picture, a text or bytes")
    mode = str(getattr(content, "mode", ""))
    parts = {f"memory{mode}": array}
    if mode == "P":
        parts["palette"] = np.asarray(content.getpalette())
    return fingerprints.of_arrays(parts)
