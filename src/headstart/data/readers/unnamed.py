"""What nobody named of a table of values over time: the column that looks like the time of its rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from headstart.core.errors import DataError
from headstart.data.readers.clock import as_text, read_times

TIME_NAMES = ("date", "datetime", "timestamp", "time", "ds")
FEW, FAR = 0.01, 0.1
"""Share of the steps that may lead back, and share of all the time by which they may: clocks are set, and misread."""
FIRST = 20
"""Values by which a column is judged before all of it is read."""


def unnamed_time(
    rows: pa.Table,
    origin: str,
    series: Sequence[NDArray[np.int64]],
    others: Collection[str | None],
    parts: NDArray[np.int8] | None = None,
) -> list[str]:
    """A note where a column looks like the time of the rows, which are taken as the steps. A few of them may be at one
    time, or a little before the one ahead of them.

    Args:
        series: the rows of each series.
        others: columns that are known to be something else.
        parts: (N,) of each row, where the table says that; some count their time anew where the test begins.

    Raises:
        DataError: in that column, rows of one series do not follow one another.
    """
    names = [name for name in rows.column_names if name not in others]
    part_of = np.zeros(rows.num_rows, np.int8) if parts is None else parts
    for name in sorted(names, key=lambda one: one.lower() not in TIME_NAMES):
        times = _supposed_times(rows.column(name), name, origin)
        if times is not None:
            for of_series in series:
                for part in np.unique(part_of[of_series]):
                    of_part = of_series[part_of[of_series] == part]
                    _require_rising(rows, name, times, of_part, origin, names if len(series) == 1 else [])
            return [f"Rows are taken as the steps; the column '{name}' looks like their time: --time {name}."]
    return []


def _supposed_times(column: pa.ChunkedArray, name: str, origin: str) -> NDArray[Any] | None:
    """(N,) the column as times, where it is called so or holds dates in every row."""
    numbers = pa.types.is_integer(column.type)
    dates = pa.types.is_timestamp(column.type) or pa.types.is_date(column.type) or _is_text(column.type)
    if not dates and not (numbers and name.lower() in TIME_NAMES):
        return None
    try:
        read_times(column.slice(0, FIRST), name, origin)
        return read_times(column, name, origin)
    except DataError:
        return None


def _require_rising(
    rows: pa.Table, name: str, times: NDArray[Any], of_series: NDArray[np.int64], origin: str, others: Sequence[str]
) -> None:
    numbers = times[of_series].astype(np.int64)
    steps = np.diff(numbers)
    behind = np.flatnonzero(steps <= 0)
    if len(behind) <= FEW * len(steps) and -steps.min(initial=0) <= FAR * np.ptp(numbers):
        return
    first, second = of_series[behind[0] : behind[0] + 2]
    texts_first = sorted(others, key=lambda one: not _is_text(rows.column(one).type))
    apart = next((one for one in texts_first if one != name and _tells_apart(rows, one, name)), None)
    if steps.min() == 0 and (apart is None or not _is_text(rows.column(apart).type)):  # such as a day for every hour
        return
    raise DataError(
        f"The rows of {origin} are not the steps of one series: the column '{name}', which looks like their time, goes "
        f"from {as_text(times[first])} in row {first + 1} to {as_text(times[second])} in row {second + 1}. Say "
        f"--time {name}{f' --series {apart}' if apart else ''}, or take that column out to take rows for steps."
    )


def _tells_apart(rows: pa.Table, name: str, time: str) -> bool:
    """Whether no two rows of one value have one time, and values are fewer than rows."""
    if not (_is_text(rows.column(name).type) or pa.types.is_integer(rows.column(name).type)):
        return False
    values = rows.group_by(name).aggregate([]).num_rows
    pairs = rows.group_by([name, time]).aggregate([]).num_rows
    return bool(1 < values <= rows.num_rows / 2 and pairs == rows.num_rows)


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
