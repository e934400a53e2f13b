"""The table of items beside one of interactions: an id, and columns that say what each item is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from headstart.core.errors import DataError
from headstart.core.wording import counted
from headstart.data.contents import IN_MEMORY
from headstart.data.readers.rows import is_text_table, read_rows
from headstart.data.table import Table

ID_NAMES = ("item", "item_id", "itemid", "id", "book_id", "movie_id", "movieid", "product_id", "asin", "track_id")
TITLE_NAMES = ("title", "name")
NAMED = 3
"""Examples of ids that a sentence names."""


def read_table(path: Path) -> pa.Table:
    """The rows of a Parquet, CSV, TSV or JSON-lines file.

    Raises:
        DataError: it is something else, or damaged.
    """
    if path.is_dir():
        raise DataError(f"{path} is a folder. Give the table in it: a CSV, TSV, JSONL or Parquet file.")
    if not path.is_file():
        raise DataError(f"There is no file {path}.")
    if path.suffix.lower() == ".parquet":
        import pyarrow.parquet as parquet

        try:
            return parquet.read_table(path)
        except (pa.ArrowInvalid, OSError) as problem:
            raise DataError(f"{path} cannot be read as Parquet ({problem}). Fetch or write it again.") from None
    if not is_text_table(path.name):
        raise DataError(f"{path} is no table. Give a CSV, TSV, JSONL or Parquet file.")
    return read_rows(path)


def ids_of(values: pa.ChunkedArray) -> pa.Array:
    """Ids as strings; 7, 7.0 and "7" are one."""
    column = values.combine_chunks()
    if pa.types.is_floating(column.type):
        numbers = column.to_numpy(zero_copy_only=False)
        if np.equal(np.mod(numbers[np.isfinite(numbers)], 1), 0).all():
            column = column.cast(pa.int64())
    return column.cast(pa.string())


def items_table(path: str | None, met: Sequence[str], ratings: Path) -> tuple[Table, list[str]]:
    """The items as texts, those of the table at `path` and those that were met but are not in it; and notes.

    Raises:
        DataError: the table has no column of ids, or none of its ids was ever met.
    """
    if path is None:
        note = "There is no table of items (--items): they are known by who met them, and by nothing else."
        return _table(list(met), [""] * len(met), [""] * len(met), ratings), [note]
    place = Path(path).expanduser()
    rows = read_table(place)
    column = _id_column(rows, met, place)
    known = ids_of(rows.column(column)).to_pylist()
    notes = []
    if len(set(known)) < len(known):
        repeated = Counter(known).most_common(1)[0][0]
        many = counted(len(known) - len(set(known)), "row", "rows")
        notes.append(f"{many} of {place.name} with an id that another row has, such as {repeated}.")
    first: dict[str, int] = {}
    for row, name in enumerate(known):
        if name is not None:
            first.setdefault(name, row)
    missing = [name for name in met if name not in first]
    if len(missing) == len(met):
        raise DataError(
            f"No item of {ratings.name} is in {place}: there they are called like '{next(iter(first), '')}' (column "
            f"'{column}'), here like '{met[0]}'. Give the table that belongs to these ratings."
        )
    if missing:
        named = ", ".join(missing[:NAMED]) + (" …" if len(missing) > NAMED else "")
        told = counted(len(missing), "item is known by who met it", "items are known by who met them")
        notes.append(f"{told}, since {place.name} does not have what {ratings.name} has: {named}.")
    titles = _titles(rows)
    texts = _texts(rows, column)
    ids = [*first, *missing]
    chosen = [first.get(name) for name in ids]
    table = _table(
        ids,
        ["" if row is None else texts[row] for row in chosen],
        ["" if row is None else titles[row] for row in chosen],
        place,
    )
    return table, notes


def _id_column(rows: pa.Table, met: Sequence[str], place: Path) -> str:
    """The column of a usual name, or else the one with most of the ids that were met."""
    known: dict[str, str] = {name.lower(): name for name in rows.column_names}
    for name in ID_NAMES:
        if name in known:
            return known[name]
    wanted = set(met)
    shares: dict[str, int] = {
        name: sum(value in wanted for value in ids_of(rows.column(name)).to_pylist())
        for name in rows.column_names
        if not pa.types.is_nested(rows.schema.field(name).type)
    }
    if not shares or not max(shares.values()):
        raise DataError(f"{place} has no column of ids ({', '.join(ID_NAMES[:4])}, …). Rename the one that has them.")
    return max(shares, key=lambda name: shares[name])


def _titles(rows: pa.Table) -> list[str]:
    known = {name.lower(): name for name in rows.column_names}
    name = next((known[usual] for usual in TITLE_NAMES if usual in known), None)
    return [""] * rows.num_rows if name is None else [str(value or "") for value in rows.column(name).to_pylist()]


def _texts(rows: pa.Table, ids: str) -> list[str]:
    """What each row says of its item, in words: its columns of texts."""
    columns = [name for name in rows.column_names if name != ids and _is_text(rows.schema.field(name).type)]
    values = [rows.column(name).to_pylist() for name in columns]
    return [". ".join(_words(cell) for cell in cells if cell) for cells in zip(*values, strict=True)]


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_list(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _words(cell: str | Collection[str]) -> str:
    joined = cell if isinstance(cell, str) else ", ".join(map(str, cell))
    return joined.replace("|", ", ").strip()


def _table(ids: list[str], texts: list[str], titles: list[str], origin: Path) -> Table:
    columns = {
        "id": pa.array(ids, pa.string()),
        "path": pa.array([IN_MEMORY] * len(ids), pa.string()),
        "member": pa.array(map(str, range(len(ids))), pa.string()),
        "title": pa.array(titles, pa.string()),
    }
    return Table(pa.table(columns), str(origin), "text", texts, ())
