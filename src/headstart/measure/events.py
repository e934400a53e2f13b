"""Alarms judged event by event, as whoever answers them would: an event is found by one alarm inside it, and a false
alarm occupies its reader for as long as an event usually lasts. Nothing is adjusted point by point, since that makes
even random alarms look good (Kim et al. 2022)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from headstart.measure.linear import FloatArray, IntArray


def judged(alarms: NDArray[np.bool_], events: IntArray, places: IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Counts (N,) of events found, of alarms given (events found, and false alarms) and of events there are, each at
    the first step of the event, or of the false alarm, so that steps can be resampled.

    Args:
        alarms: (N,) whether a step alarms.
        events: (N,) number of the event that a step is part of, 0 for none.
        places: (N,) of the steps, neighbours one apart.
    """
    found, false, wanted = np.zeros(len(alarms)), np.zeros(len(alarms)), np.zeros(len(alarms))
    lengths = []
    for event in np.unique(events[events > 0]):
        rows = np.flatnonzero(events == event)
        first = rows[np.argmin(places[rows])]
        wanted[first], found[first] = 1.0, float(alarms[rows].any())
        lengths.append(len(rows))
    usual = int(np.median(lengths)) if lengths else 1
    outside = np.flatnonzero(alarms & (events == 0))
    over = -1
    for row in outside[np.argsort(places[outside])].tolist():
        if places[row] >= over:
            false[row], over = 1.0, places[row] + usual
    return found, found + false, wanted
