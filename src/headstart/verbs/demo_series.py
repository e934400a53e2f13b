"""Visitors of museums that do not exist, from formulas: an opening day has a shape of its own, weekends and the weather
matter, and there is luck."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

MUSEUMS = ("clocks", "maps", "bridges", "kites", "bells", "locks", "masks", "shells")
WEEKS, HOURS = 3, 24


def write_museums(path: Path) -> Path:
    """A row an hour, a column a museum."""
    from pyarrow import csv

    random = np.random.default_rng(0)
    hours = np.arange(np.datetime64("2024-03-04T00"), np.datetime64("2024-03-04T00") + WEEKS * 7 * HOURS)
    place = np.arange(len(hours))
    of_day, weekend = place % HOURS, (place // HOURS) % 7 >= 5
    weather = np.repeat(_walk(random, WEEKS * 7, 0.6), HOURS)
    columns: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float64]]] = {}
    for name in MUSEUMS:
        peak, width = random.uniform(11, 16), random.uniform(2, 3.5)
        shape = np.exp(-0.5 * ((of_day - peak) / width) ** 2) + 0.4 * np.exp(-0.5 * ((of_day - peak - 4) / 1.5) ** 2)
        size = random.uniform(3, 15) * (1 + random.uniform(0.0, 0.3) * weekend) * np.exp(0.1 * weather)
        columns[name] = np.round(random.poisson(size * shape) + 0.0)
    path.parent.mkdir(parents=True, exist_ok=True)
    csv.write_csv(pa.table({"hour": hours.astype("datetime64[s]"), **columns}), path)
    return path


def _walk(random: np.random.Generator, steps: int, memory: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Noise in which each value remembers a share of the one before it."""
    found = random.normal(size=steps)
    for step in range(1, steps):
        found[step] += memory * found[step - 1]
    return found
