"""Events in series, which columns of 0 and 1 mark, and what steps can be learned from and judged beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.core.errors import DataError
from headstart.data.readers import Options
from headstart.data.readers.histories import History

EVENT_COLUMNS = ("is_anomaly", "anomaly", "in_window", "event", "label")


def event_column(names: Sequence[str], options: Options, origin: str) -> str | None:
    """The column that marks events; the first of a usual name when none is named.

    Raises:
        DataError: there is none, and it is needed.
    """
    assert options.windows is not None
    asked = options.label or options.windows.event
    found = asked or next((name for name in EVENT_COLUMNS if name in names), None)
    if found is None and options.labelled:
        raise DataError(
            f"{origin} has no column that marks anomalies, by which alarms could be judged: none of "
            f"{', '.join(EVENT_COLUMNS)}. Name one of 0 and 1 with --label (1 where something was wrong, such as "
            "around each known incident)."
        )
    return found if options.labelled or found in names else None


def marks_of(series: Sequence[History]) -> list[NDArray[Any]]:
    """Of each series (T, 2): what `headstart.data.windows.MARKS` says of its steps."""
    found, events, first = [], 0, 0
    for one in series:
        inside = np.zeros(len(one.values), bool) if one.events is None else one.events
        begins = inside & ~np.concatenate([[False], inside[:-1]])
        numbers = np.where(inside, events + np.cumsum(begins), 0)
        found.append(np.stack([numbers, first + np.arange(len(inside))], axis=1))
        events, first = events + int(begins.sum()), first + len(inside) + 1
    return found


def is_clear(marks: NDArray[Any], is_test: bool) -> bool:
    """Whether a stretch with these marks (H, 2) can be used. What is normal is learned from no event; and one that ends
    just after an event, and so holds some of it, is neither: an alarm there would be no false one, nor on time."""
    return not marks[:, 0].any() or (is_test and bool(marks[-1, 0]))
