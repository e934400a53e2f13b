"""Times of rows: read from dates or numbers, and put on a grid of even steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as compute
from numpy.typing import NDArray

from headstart.core.errors import DataError

FORMATS = ("%Y-%m", "%Y/%m/%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%Y%m%d")
CLOCKS = ("", " %H:%M", " %H:%M:%S")
MINUTE, HOUR, DAY = 60_000_000, 3_600_000_000, 86_400_000_000
"""In microseconds."""
SEASONS = (
    (MINUTE, 60),
    (5 * MINUTE, 288),
    (10 * MINUTE, 144),
    (15 * MINUTE, 96),
    (30 * MINUTE, 48),
    (HOUR, 24),
    (DAY, 7),
    (7 * DAY, 52),
)
"""Steps, and how many of them make the season that most series of such steps have."""
MONTHLY = {1: 12, 3: 4, 12: 1}
WORKING_WEEK, WORKING_DAY = 5, "1 working day"
FEW_MISSING = 0.5
"""Share of steps without a row up to which rows are taken for missing rather than for rare."""


@dataclass(frozen=True)
class Grid:
    """Where the rows of one series stand among even steps."""

    places: NDArray[np.int64]
    """(N,) of its rows, from 0, rising."""
    step: str
    """Such as "1 hour"; empty for plain numbers."""
    season: int
    """Steps of the season usual for it; 0 where that is not known."""
    size: int = 0
    """Of a step: microseconds, or plain numbers; 0 where it is of another kind, or not known."""
    months: int = 0
    """Of a step, where it is of so many."""

    @property
    def length(self) -> int:
        return int(self.places[-1]) + 1

    def following(self, times: NDArray[Any], count: int) -> NDArray[Any] | None:
        """(count,) the times of the steps after the last of the `times` (N,) of its rows; None where not known."""
        after = np.arange(1, count + 1)
        if self.months:
            begun = times.astype("datetime64[M]")
            into = int((times - begun).max().astype(np.int64))  # of the last day, in a month as long as any
            ahead = begun[-1] + after * self.months
            ends = (ahead + 1).astype(times.dtype) - DAY + into % DAY
            return np.asarray(np.minimum(ahead.astype(times.dtype) + into, ends))
        if self.step == WORKING_DAY:
            return np.asarray(np.busday_offset(times[-1].astype("datetime64[D]"), after).astype(times.dtype))
        return np.asarray(times[-1] + after * self.size) if self.size else None


def read_times(column: pa.ChunkedArray, name: str, origin: str) -> NDArray[Any]:
    """(N,) datetime64[us] or int64.

    Raises:
        DataError: a value is missing, or no time; the message names the row.
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if column.null_count:
        row = int(np.flatnonzero(column.is_null().to_numpy())[0]) + 1
        raise DataError(f"Row {row} of {origin} has no time in its column '{name}'. Fill it in, or take the row out.")
    if pa.types.is_integer(kind):
        return np.asarray(column.to_numpy(), np.int64)
    if pa.types.is_floating(kind):
        numbers = column.to_numpy()
        if np.all(numbers == np.round(numbers)):
            return np.asarray(numbers, np.int64)
        raise DataError(f"The times of {origin} ('{name}') are fractions, such as {numbers[0]:g}. Number the steps.")
    if pa.types.is_temporal(kind):
        return np.asarray(column.cast(pa.timestamp("us")).to_numpy(), "datetime64[us]")
    return _dates(column.cast(pa.string()), name, origin)


def _dates(column: pa.ChunkedArray, name: str, origin: str) -> NDArray[Any]:
    try:
        return np.asarray(column.cast(pa.timestamp("us")).to_numpy(), "datetime64[us]")
    except pa.ArrowInvalid:
        pass
    best = _read(column)
    for form in (f"{date}{clock}" for date in FORMATS for clock in CLOCKS):
        found = compute.strptime(column, format=form, unit="us", error_is_null=True)
        if not found.null_count:
            return np.asarray(found.to_numpy(), "datetime64[us]")
        if found.null_count < best.null_count:
            best = found
    worst = int(np.flatnonzero(best.is_null().to_numpy())[0])
    raise DataError(
        f"'{column[worst].as_py()}' in row {worst + 1} of {origin} ('{name}') is no time that is known. "
        "Write times like 2024-05-31 or 2024-05-31 12:00:00, all in one way."
    )


def _read(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Times as ISO 8601 has them, null where a value is none."""

    def read(value: Any) -> Any:
        try:
            return value.cast(pa.timestamp("us")).as_py()
        except pa.ArrowInvalid:
            return None

    return pa.chunked_array([[read(value) for value in column]], pa.timestamp("us"))


def as_text(time: Any) -> str:
    """A moment without the parts of it that are zero, or a number."""
    return str(time).replace("T", " ").removesuffix(".000000").removesuffix(" 00:00:00")


def as_texts(times: NDArray[Any]) -> list[Any]:
    """Moments (N,), all as days where they are, or as seconds; numbers as they are."""
    if times.dtype.kind != "M":
        return list(times.tolist())
    unit = next(one for one in ("D", "s", "us") if (times.astype(f"datetime64[{one}]") == times).all())
    return [str(time).replace("T", " ") for time in times.astype(f"datetime64[{unit}]")]


def grid(times: NDArray[Any], rows: NDArray[np.int64], series: str, origin: str) -> Grid:
    """The steps that the rising `times` (N,) of one series stand at; rows may be missing between them.

    Args:
        rows: their rows in the file, from 1, for messages.

    Raises:
        DataError: two rows of one time, or steps of several lengths.
    """
    if len(times) < 2:
        return Grid(np.zeros(len(times), np.int64), "", 0)
    numbers = times.astype(np.int64)
    apart = np.diff(numbers)
    if not apart.all():
        place = int(np.flatnonzero(apart == 0)[0])
        raise DataError(
            f"{series} of {origin} has the time {as_text(times[place])} twice, in rows {rows[place]} and "
            f"{rows[place + 1]}. Remove one of them, add them up, say with --series which column tells series apart, "
            "or leave out --time and that column to take rows for steps."
        )
    dated = times.dtype.kind == "M"
    if dated and int(np.median(apart)) >= 28 * DAY:
        months = times.astype("datetime64[M]").astype(np.int64)
        step = int(np.gcd.reduce(np.diff(months)))
        if step:
            places = (months - months[0]) // step
            return Grid(places, _told(step, "month"), MONTHLY.get(step, 0), months=step)
    if dated and _working_days(times):
        days = np.busday_count(times[0].astype("datetime64[D]"), times.astype("datetime64[D]"))
        return Grid(np.asarray(days, np.int64), WORKING_DAY, WORKING_WEEK)
    lengths, counts = np.unique(apart, return_counts=True)
    step = int(lengths[np.argmax(counts)])
    places = (numbers - numbers[0]) // step
    if (apart % step).any() or len(times) < FEW_MISSING * (places[-1] + 1):
        odd = int(np.flatnonzero(apart != step)[0])
        raise DataError(
            f"{series} of {origin} has steps of several lengths: mostly {_length(step, dated)}, but "
            f"{_length(int(apart[odd]), dated)} from row {rows[odd]} to {rows[odd + 1]} ({as_text(times[odd])} to "
            f"{as_text(times[odd + 1])}). Bring it to even steps first, such as sums or means by hour; or leave out "
            "--time to take rows for steps."
        )
    return Grid(places, _length(step, dated) if dated else "", dict(SEASONS).get(step, 0) if dated else 0, step)


def _working_days(times: NDArray[Any]) -> bool:
    """Whether there is one row a day, from Monday to Friday, over more than a week."""
    days = times.astype("datetime64[D]")
    weekdays = (days.astype(np.int64) + 3) % 7
    enough = len(days) > 2 * WORKING_WEEK and int(np.median(np.diff(times).astype(np.int64))) == DAY
    return bool(enough and (weekdays < 5).all() and (days == times).all())


def _length(step: int, dated: bool) -> str:
    if not dated:
        return _told(step, "step")
    for size, name in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"), (1_000_000, "second")):
        if step >= size:
            return _told(step / size, name)
    return f"{step} microseconds"


def _told(number: float, thing: str) -> str:
    return f"{number:g} {thing}" + ("" if number == 1 else "s")
