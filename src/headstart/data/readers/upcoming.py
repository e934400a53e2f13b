"""Series without labels: what comes after their latest values is to be told, or each of their steps to be judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from headstart.core.errors import DataError
from headstart.data.contents import IN_MEMORY
from headstart.data.readers.assemble import Draft
from headstart.data.readers.clock import as_texts
from headstart.data.readers.histories import Histories, History
from headstart.data.table import Table
from headstart.data.windows import COMING, LEAST_PAST, Pasts, Steps, Windows


def upcoming(found: Histories, origin: str, wanted: Windows) -> Table:
    """One row a series: its latest values, after which is to be told. Or one row a step, with what goes ahead of it."""
    if wanted.each_step:
        return _every_step(found, origin, wanted)
    ids = [one.name or "series" for one in found.series]
    ends = np.array([(row, _end(one, wanted)) for row, one in enumerate(found.series)], np.int64)
    pasts = pasts_of(found.series, ends, wanted)
    coming = [found.series[row].coming(end, wanted.horizon) for row, end in ends.tolist()]
    known = [times for times in coming if times is not None]
    alike = len(known) == len(coming) and len({times.dtype for times in known}) == 1
    columns = {COMING: _as_lists(known)} if alike else {}
    draft = Draft(ids, [IN_MEMORY] * len(ids), [str(row) for row in range(len(ids))], columns)
    return draft.table(origin, "series", (), (), found.notes, memory=pasts)


def _as_lists(times: Sequence[NDArray[Any]]) -> pa.Array:
    """The times (H,) of every series, in one way of writing."""
    return pa.array(np.array(as_texts(np.concatenate(times))).reshape(len(times), -1).tolist())


def _every_step(found: Histories, origin: str, wanted: Windows) -> Table:
    """One row a step, with the steps that it ends and what goes ahead of them.

    Raises:
        DataError: every series is too short.
    """
    values = [one.values for one in found.series]
    last, first = wanted.horizon - 1, max(LEAST_PAST, wanted.season or found.season)
    places = [(row, start) for row, one in enumerate(values) for start in range(first, len(one) - last)]
    places = [(row, start) for row, start in places if not np.isnan(values[row][[start - 1, start + last]]).any()]
    if not places:
        raise DataError(f"{origin} has no series of more than {first + last} steps, so nothing can be judged.")
    ids = [f"{found.series[row].when(start + last)} {found.series[row].name}".strip() for row, start in places]
    draft = Draft(ids, [IN_MEMORY] * len(ids), [str(place) for place in range(len(ids))], {})
    steps = pasts_of(found.series, np.array(places, np.int64), wanted)
    return draft.table(origin, "series", (), (), found.notes, memory=steps)


def _end(one: History, wanted: Windows) -> int:
    """Steps of a series after which is to be told: those ahead of the rows without a value, of which more is known.

    Raises:
        DataError: there are too few of these.
    """
    if not wanted.known:
        return len(one.values)
    end = _last(one)
    if len(one.values) - end < wanted.horizon:
        raise DataError(
            f"{one.name or 'The series'} has {len(one.values) - end} rows without a value at its end, and "
            f"{wanted.horizon} steps are to be told. Add a row for each of them, with {', '.join(wanted.known)} "
            "filled in and the value left empty."
        )
    return end


def _last(one: History) -> int:
    """How many steps there are up to the last with a value."""
    there = np.flatnonzero(~np.isnan(one.values))
    return int(there[-1]) + 1 if len(there) else 0


def without_coming(one: History) -> History:
    """A series without the rows at its end that have no value."""
    end = _last(one)
    return replace(
        one,
        values=one.values[:end],
        times=None if one.times is None else one.times[:end],
        parts=None if one.parts is None else one.parts[:end],
        known=None if one.known is None else one.known[:end],
    )


def pasts_of(
    series: Sequence[History], places: NDArray[np.int64], wanted: Windows, seasons: Sequence[int] = ()
) -> Pasts:
    values = [one.values for one in series]
    if wanted.each_step:
        return Steps(values, places, wanted.context, wanted.horizon)
    known = [one.known for one in series if one.known is not None]
    return Pasts(values, places, wanted.context, known, wanted.horizon, seasons)
