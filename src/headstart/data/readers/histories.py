"""Series in a table: long (a row for each series and time) or wide (a column for each series)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from headstart.core.errors import DataError
from headstart.core.wording import counted
from headstart.data.readers.assemble import missing_column, split_name
from headstart.data.readers.clock import Grid, grid, read_times
from headstart.data.readers.numbers import floats, instead
from headstart.data.readers.rows import is_text_table, read_rows
from headstart.data.readers.unnamed import TIME_NAMES, unnamed_time

PARTS = ("train", "validation", "test")
NO_PART = -1


@dataclass(frozen=True)
class History:
    """One series on even steps."""

    name: str
    values: NDArray[np.float64]
    """(T,), nan where missing."""
    times: NDArray[Any] | None
    """(T,) datetime64[us] or int64; None where rows are the steps."""
    parts: NDArray[np.int8] | None = None
    """(T,) positions in PARTS, or NO_PART; None where the table gives none."""
    events: NDArray[np.bool_] | None = None
    """(T,) whether a step is part of an event; None where the table does not say."""

    known: NDArray[np.float64] | None = None
    """(T, C) of what is known ahead of time, in columns; None where nothing is."""
    grid: Grid | None = None
    """Of its rows, where these have times."""

    def coming(self, place: int, count: int) -> NDArray[Any] | None:
        """(count,) times of the steps from `place` on, also of those after the last; None where they are not known."""
        if self.times is None or self.grid is None:
            return None
        after = self.grid.following(self.times[self.grid.places], count)
        return None if after is None else np.concatenate([self.times, after])[place : place + count]

    def when(self, place: int) -> str:
        """What the step at `place` is called; texts of one series sort as its steps do."""
        if self.times is None:
            return f"step {place:0{len(str(len(self.values)))}d}"
        time = self.times[min(place, len(self.times) - 1)]
        if self.times.dtype.kind != "M":
            return f"{int(time):0{len(str(int(self.times[-1])))}d}"
        return str(time.astype("datetime64[s]")).replace("T", " ").removesuffix(" 00:00:00")


@dataclass(frozen=True)
class Histories:
    """All series of a table."""

    series: tuple[History, ...]
    season: int
    """Steps, 0 where the times do not tell."""
    step: str
    """Such as "1 hour"; empty for plain numbers."""
    notes: tuple[str, ...]

    @property
    def dated(self) -> bool:
        """Whether steps are moments that series have in common."""
        times = self.series[0].times
        return times is not None and times.dtype.kind == "M"


def table_files(path: Path) -> list[Path]:
    """The file itself, or the tables of a folder.

    Raises:
        DataError: a folder without any.
    """
    if not path.is_dir():
        return [path]
    found = sorted(file for file in path.iterdir() if is_text_table(file.name) or file.suffix.lower() == ".parquet")
    if not found:
        raise DataError(f"{path} has no table of values over time: no CSV, TSV, JSON-lines or Parquet file.")
    return found


def joined(tables: Sequence[Histories]) -> Histories:
    """The series of several files; a season, and steps, only where all have the same."""
    seasons, steps = {one.season for one in tables}, {one.step for one in tables}
    return Histories(
        tuple(one for table in tables for one in table.series),
        seasons.pop() if len(seasons) == 1 else 0,
        steps.pop() if len(steps) == 1 else "",
        tuple(dict.fromkeys(note for table in tables for note in table.notes)),
    )


def read_table(path: Path) -> pa.Table:
    """Rows of a CSV, TSV, JSON-lines or Parquet file.

    Raises:
        DataError: no such format, or it cannot be read.
    """
    if path.suffix.lower() == ".parquet":
        import pyarrow.parquet as parquet

        try:
            return parquet.read_table(path)
        except (pa.ArrowInvalid, OSError) as problem:
            raise DataError(f"{path} cannot be read as Parquet: {str(problem).splitlines()[0]}.") from None
    if path.is_file() and is_text_table(path.name):
        return read_rows(path)
    raise DataError(f"{path} is no table of values over time. Give a CSV, TSV, JSON-lines or Parquet file.")


def read_histories(
    rows: pa.Table,
    origin: str,
    *,
    time: str | None = None,
    series: str | None = None,
    value: str | None = None,
    split: str | None = None,
    event: str | None = None,
    known: Sequence[str] = (),
) -> Histories:
    """The series of a table.

    Args:
        time: column of times; rows are the steps where it is not given.
        series: column that tells series apart, of a long table.
        value: column of values, or several of a wide table, joined by commas; else every column of numbers.
        split: column that says train, validation or test; other rows are not used.
        event: column of 0 and 1, which marks the steps of events.
        known: columns of what is known ahead of time.

    Raises:
        DataError: a column is missing, times are not even, or rows are no steps; the message says what, and where.
    """
    if rows.num_rows == 0:
        raise DataError(f"{origin} has a header and no rows.")
    named = (("time", time), ("series", series), ("split", split), ("label", event), *(("known", one) for one in known))
    for option, name in named:
        if name is not None and name not in rows.column_names:
            raise missing_column(origin, name, option, rows.column_names)
    others = {time, series, split, "split", event, *known}
    columns = _value_columns(rows, origin, value, others, series is not None)
    parts = _parts(rows, split, origin)
    marks = _marks(rows, event, origin)
    stamps = read_times(rows.column(time), time, origin) if time is not None else None
    values = {column: floats(rows.column(column), column, origin) for column in columns}
    foreseen = [_known(rows.column(column), column, origin) for column in known]
    by_series = _by_series(rows, series)
    notes = []
    if time is None:
        asked = columns if value is not None else ()
        notes += unnamed_time(rows, origin, [of_series for _, of_series in by_series], others.union(asked), parts)
    found: list[History] = []
    grids: dict[str, Grid] = {}
    missing = 0
    for name, of_series in by_series:
        order = of_series if stamps is None else of_series[np.argsort(stamps[of_series], kind="stable")]
        if stamps is None:
            places = Grid(np.arange(len(order)), "", 0)
        else:
            places = grid(stamps[order], order + 1, name or "The series", origin)
        grids[name] = places
        missing += places.length - len(order)
        when = None if stamps is None else _times(stamps[order], places)
        part = None if parts is None else _spread(parts[order], places, NO_PART)
        for column, numbers in values.items():
            called = " ".join(filter(None, (name, column if len(columns) > 1 or not name else "")))
            events = None if marks is None else _spread(marks[order], places, False)
            carried = [_carried(_spread(one[order], places, np.nan)) for one in foreseen]
            ahead = np.column_stack(carried) if carried else None
            spread = _spread(numbers[order], places, np.nan)
            found.append(History(called, spread, when, part, events, ahead, None if stamps is None else places))
    steps = {one.step for one in grids.values() if len(one.places) > 1}
    if len(steps) > 1:
        first = {one.step: name for name, one in reversed(grids.items())}
        told = " and ".join(f"{step} ({first[step]})" for step in sorted(steps)[:2])
        raise DataError(
            f"The series of {origin} have different steps: {told}. Learn from series of one step at a time."
        )
    if missing:
        told = counted(missing, "row is", "rows are")
        notes.append(f"{told} missing between others; values there are taken from the line between neighbours.")
    if value is None and len(columns) > 1:
        notes.append(
            f"Every column of numbers is taken for a series: {_few(columns)}. Name those that are meant with --value."
        )
    season = max((one.season for one in grids.values()), default=0)
    return Histories(tuple(found), season, next(iter(steps), ""), tuple(notes))


def _few(names: Sequence[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _value_columns(rows: pa.Table, origin: str, asked: str | None, others: set[str | None], long: bool) -> list[str]:
    if asked is not None:
        names = [asked] if asked in rows.column_names else [name.strip() for name in asked.split(",")]
        for name in names:
            if name not in rows.column_names:
                raise missing_column(origin, name, "value", rows.column_names)
        return names
    left = [name for name in rows.column_names if name not in others]
    numbers = [name for name in left if _is_number(rows.schema.field(name).type)]
    names = [name for name in numbers if name.lower() not in TIME_NAMES] or numbers  # what counts steps is no series
    if not names:
        problems = " ".join(f"The column '{one}' {instead(rows.column(one))}." for one in left[:3])
        raise DataError(
            f"{origin} has no column of numbers beside its times. {problems} Mend the column of values, or name "
            "it with --value."
        )
    if long and len(names) > 1:
        raise DataError(
            f"{origin} has several columns of numbers: {', '.join(names)}. Name that of the values with --value."
        )
    return names


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind))


def _known(column: pa.ChunkedArray, name: str, origin: str) -> NDArray[np.float64]:
    """
    Raises:
        DataError: the column does not hold numbers, or true and false, in every row.
    """
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    values = floats(column, name, origin)
    if np.isnan(values).any():
        row = int(np.flatnonzero(np.isnan(values))[0]) + 1
        raise DataError(
            f"What is known ahead of time has to be there in every row, and the column '{name}' of {origin} is empty "
            f"in row {row}. Fill it in, or leave it out of --known."
        )
    return values


def _carried(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Steps without a row as the one before them."""
    last = np.maximum.accumulate(np.where(np.isnan(values), 0, np.arange(len(values))))
    return np.asarray(values[last])


def _parts(rows: pa.Table, split: str | None, origin: str) -> NDArray[np.int8] | None:
    if split is None:
        return None
    column = rows.column(split)
    values = column.cast(column.type.value_type if pa.types.is_dictionary(column.type) else pa.string()).to_pylist()
    codes = {value: PARTS.index(part) for value in set(values) if value and (part := split_name(str(value)))}
    if not {PARTS.index("train"), PARTS.index("test")} <= set(codes.values()):
        raise DataError(
            f"The column '{split}' of {origin} does not say train and test but "
            f"{', '.join(sorted(map(str, set(values)))[:4])}. Name another with --split, or give rows of each part, "
            "such as --split 8640/2880/2880."
        )
    return np.array([codes.get(value, NO_PART) for value in values], np.int8)


def _marks(rows: pa.Table, event: str | None, origin: str) -> NDArray[np.bool_] | None:
    if event is None:
        return None
    marks = floats(rows.column(event), event, origin)
    wrong = np.flatnonzero(~np.isin(marks, (0, 1)))
    if len(wrong):
        raise DataError(
            f"The column '{event}' of {origin} marks events by 0 and 1, but row {int(wrong[0]) + 1} has "
            f"{rows.column(event)[int(wrong[0])].as_py()!r}. Name another with --label, or write 0 and 1."
        )
    return np.asarray(marks == 1)


def _by_series(rows: pa.Table, series: str | None) -> list[tuple[str, NDArray[np.int64]]]:
    """(name, its rows) of each series, in the order of their first rows."""
    if series is None:
        return [("", np.arange(rows.num_rows))]
    column = rows.column(series).combine_chunks()
    coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    names: Sequence[Any] = coded.dictionary.to_pylist()
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], np.arange(len(names) + 1))
    found = [(str(name), order[starts[code] : starts[code + 1]]) for code, name in enumerate(names)]
    return [(name, of_series) for name, of_series in found if len(of_series)]


def _spread(values: NDArray[Any], places: Grid, empty: float) -> NDArray[Any]:
    found = np.full(places.length, empty, values.dtype)
    found[places.places] = values
    return found


def _times(times: NDArray[Any], places: Grid) -> NDArray[Any]:
    """Of every step, also of those without a row."""
    if places.length == len(times):
        return times
    found = np.interp(np.arange(places.length), places.places, times.astype(np.float64))
    return np.round(found).astype(np.int64).astype(times.dtype)
