"""The table of examples: an Arrow table of ids, places of content, labels, groups and times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from headstart.core import fingerprints
from headstart.core.errors import DataError

LABEL = "label"
STANDARD_COLUMNS = ("id", "path", "member", LABEL, "split", "group", "time", "domain")


@dataclass(frozen=True)
class Quarantined:
    """One item that was set aside, and why."""

    id: str
    reason: str


@dataclass(frozen=True)
class Table:
    """Examples as rows.

    Columns of `rows`: `id` (string, unique), `path` (string: the file that holds the content), `member`
    (string or null: the part of that file, see `headstart.data.contents`), and where known one column a label
    (string, list of strings, or number; the single label is called `label`), `split` (train, validation, test),
    `group`, `time` and `domain`.
    """

    rows: pa.Table
    origin: str
    """Where it came from, for messages."""
    modality: str
    memory: Sequence[Any] = ()
    """Contents that were handed over in memory (arrays, pictures); `member` is then the index in here."""
    labels: tuple[str, ...] = (LABEL,)
    """The columns that can be learned; two or more for several tasks at once."""
    quarantine: tuple[Quarantined, ...] = ()
    notes: tuple[str, ...] = field(default=())
    """What the reader or the checks want the user to know."""
    written: bool = False
    """Whether labels are texts to be written, or things to come next: no classes to count or to keep apart."""
    items: Table | None = None
    """The things that contents and labels refer to by `id`, as examples of their own, each with a `title`."""
    contents: tuple[str, ...] = ()
    """The columns of texts that the contents were read from, where they were."""
    about: tuple[tuple[str, str], ...] = ()
    """What the reader can say of the whole, for people: (what, how much)."""

    def __len__(self) -> int:
        return int(self.rows.num_rows)

    @property
    def learned(self) -> str:
        """The column that is learned.

        Raises:
            DataError: there are several.
        """
        if len(self.labels) > 1:
            raise DataError(
                f"{self.origin}: one column is learned, and {', '.join(self.labels)} are several. Name one with "
                "--label; only such that all say 0 or 1 are learned together, as the labels that an example has."
            )
        return self.labels[0]

    def has(self, column: str) -> bool:
        return column in self.rows.column_names

    def column(self, name: str) -> pa.ChunkedArray:
        """The column called `name`.

        Raises:
            DataError: no such column.
        """
        if not self.has(name):
            from headstart.core.registry import suggest

            raise DataError(f"{self.origin} has no column '{name}'. {suggest(name, self.rows.column_names)}")
        return self.rows.column(name)

    def strings(self, name: str) -> list[str]:
        return [str(value) for value in self.column(name).to_pylist()]

    def called(self, answer: Any) -> Any:
        """An answer, or several, with things that it refers to by their titles, where they have any."""
        if self.items is None:
            return answer
        titles = dict(zip(self.items.strings("id"), self.items.strings("title"), strict=True))
        if isinstance(answer, list):
            return [titles.get(one) or one for one in answer]
        return titles.get(answer) or answer

    def keep(self, mask: NDArray[np.bool_], reasons: Mapping[int, str]) -> Table:
        """The rows where `mask` (N,) is true; the others go to quarantine with the reason for their row."""
        ids = self.column("id")
        set_aside = tuple(Quarantined(ids[int(row)].as_py(), reasons[int(row)]) for row in np.flatnonzero(~mask))
        return replace(self, rows=self.rows.filter(pa.array(mask)), quarantine=self.quarantine + set_aside)

    def with_column(self, name: str, values: Any) -> Table:
        column = values if isinstance(values, (pa.Array, pa.ChunkedArray)) else pa.array(values)
        if self.has(name):
            return replace(self, rows=self.rows.set_column(self.rows.column_names.index(name), name, column))
        return replace(self, rows=self.rows.append_column(name, column))

    def with_notes(self, *notes: str) -> Table:
        return replace(self, notes=self.notes + notes)


@dataclass(frozen=True)
class Examples:
    """Some rows of a table, in a fixed order. When sealed, labels cannot be read."""

    table: Table
    indices: NDArray[np.int64]
    keys: Sequence[str]
    """Content digest of every row of `table` (not only of these rows)."""
    sealed: bool = False

    def __len__(self) -> int:
        return len(self.indices)

    def labels(self, column: str = LABEL) -> list[Any]:
        """The labels of these rows, as Python values.

        Raises:
            SealedError: these are test examples and the test is not opened yet.
        """
        if self.sealed:
            raise SealedError(f"The labels of the {len(self)} test examples are sealed until the receipt is made.")
        return plain_values(self.table.column(column).take(pa.array(self.indices)))

    def ids(self) -> list[str]:
        return list(self.table.column("id").take(pa.array(self.indices)).to_pylist())

    def groups(self) -> list[str] | None:
        if not self.table.has("group"):
            return None
        return [str(value) for value in self.table.column("group").take(pa.array(self.indices)).to_pylist()]

    def content_keys(self) -> list[str]:
        return [self.keys[int(row)] for row in self.indices]

    def take(self, positions: NDArray[np.int64]) -> Examples:
        """The examples at `positions` among these."""
        return replace(self, indices=self.indices[positions])

    def fingerprint(self) -> str:
        """Digest of ids and contents, in order."""
        return fingerprints.of_strings(
            f"{name}={key}" for name, key in zip(self.ids(), self.content_keys(), strict=True)
        )


def holds_rows(kind: pa.DataType) -> bool:
    """Whether every value is a row of so many numbers, such as those of a forecast."""
    return bool(pa.types.is_fixed_size_list(kind))


def plain_values(column: pa.ChunkedArray | pa.Array) -> list[Any]:
    """Python values; rows of numbers as arrays (K,), which lie in memory once."""
    if not holds_rows(column.type):
        return list(column.to_pylist())
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    numbers = np.asarray(whole.flatten().to_numpy(zero_copy_only=False))
    return list(numbers.reshape(len(column), -1))


def marked(value: Any) -> Any:
    """A label in a form that digests are made of: of a row of numbers, its own digest."""
    return fingerprints.of_bytes(value.tobytes()) if isinstance(value, np.ndarray) else value


class SealedError(RuntimeError):
    """Code tried to read test labels before the receipt: a bug of this project, not a user's mistake."""
