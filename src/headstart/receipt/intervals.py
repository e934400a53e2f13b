"""Bootstrap intervals of many statistics at once, on the same resampled items."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from headstart.measure.intervals import (
    Interval,
    bootstrap_weights,
    group_numbers,
    percentile_interval,
    wilson_interval,
)
from headstart.measure.scores import Proportion, Statistic, value

RESAMPLES = 2000
FEWEST_PRIMARY, FEWEST_SECONDARY = 400, 200
PRIMARY_WORK, SECONDARY_WORK = 40_000_000, 4_000_000
"""Resamples times items times columns, above which fewer resamples are drawn: ends of intervals then move by a few
hundredths of their width, and the receipt stays a matter of a second."""
LEVEL = 0.95


def primary_resamples(items: int, columns: int) -> int:
    """How many resamples the metric that decides gets; `columns` is 1 for one label an example."""
    return max(FEWEST_PRIMARY, min(RESAMPLES, PRIMARY_WORK // (items * columns)))


def secondary_resamples(items: int, columns: int) -> int:
    return max(FEWEST_SECONDARY, min(RESAMPLES, SECONDARY_WORK // (items * columns)))


def intervals(
    statistics: Sequence[Statistic], items: int, *, groups: Sequence[str] | None, resamples: int, seed: int
) -> list[Interval]:
    """What `measure.intervals.bootstrap_interval` gives for each of `statistics`, to the same numbers, in one pass
    over the resampled counts, which cost more to draw than to use."""
    independent = int(group_numbers(groups, items).max()) + 1
    points = [value(statistic, items) for statistic in statistics]
    replicates: list[list[np.ndarray[tuple[int, ...], np.dtype[np.float64]]]] = [[] for _ in statistics]
    if independent > 1:
        for weights in bootstrap_weights(items, resamples=resamples, groups=groups, seed=seed):
            for place, statistic in enumerate(statistics):
                replicates[place].append(statistic(weights))
    found = [
        percentile_interval(point, np.concatenate(rows), LEVEL) if rows else unbounded(point)
        for point, rows in zip(points, replicates, strict=True)
    ]
    return [
        _widened(interval, independent, groups is not None) if isinstance(statistic, Proportion) else interval
        for interval, statistic in zip(found, statistics, strict=True)
    ]


def unbounded(point: float) -> Interval:
    return Interval(point, -np.inf, np.inf, LEVEL)


def _widened(bootstrap: Interval, independent: int, grouped: bool) -> Interval:
    """A proportion's interval is never narrower than Wilson's; with groups, Wilson's over their number stands in
    where the bootstrap has no width."""
    wilson = wilson_interval(bootstrap.value, independent, LEVEL)
    if independent == 1:
        return wilson
    if grouped and bootstrap.low != bootstrap.high:
        return bootstrap
    return Interval(bootstrap.value, min(bootstrap.low, wilson.low), max(bootstrap.high, wilson.high), LEVEL)
