"""How far a metric might be off by the luck of the test items: bootstrap intervals, honest at the edges."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from headstart.core.errors import HeadstartError
from headstart.measure.linear import FloatArray, IntArray
from headstart.measure.scores import Proportion, Statistic, value

# Counts held at once: 4 million of 8 bytes, so a chunk is 32 MB whatever the number of items.
CHUNK = 4_000_000


@dataclass(frozen=True)
class Interval:
    """A value and the interval that holds the true one in `level` of all such samples. Infinite: unknown."""

    value: float
    low: float
    high: float
    level: float = 0.95


def bootstrap_weights(
    items: int, *, resamples: int = 2000, groups: ArrayLike | None = None, seed: int
) -> Iterator[FloatArray]:
    """Chunks (C, N) of counts, `resamples` rows in all: how often each item is drawn, with replacement.

    With groups (N,), as many groups as there are are drawn, each with all its items (the cluster bootstrap:
    items of one group are not independent, groups are). The same arguments give the same counts.
    """
    membership = group_numbers(groups, items)
    draws = int(membership.max()) + 1
    generator = np.random.default_rng(seed)
    size = max(1, CHUNK // items)
    for start in range(0, resamples, size):
        rows = min(size, resamples - start)
        drawn = generator.integers(0, draws, size=(rows, draws))
        drawn += np.arange(rows)[:, None] * draws
        counts = np.bincount(drawn.ravel(), minlength=rows * draws).reshape(rows, draws).astype(np.float64)
        yield counts if groups is None else counts[:, membership]


def bootstrap_interval(
    statistic: Statistic,
    items: int,
    *,
    groups: ArrayLike | None = None,
    resamples: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """Percentile bootstrap interval (Efron and Tibshirani 1993, section 13.3) of a statistic of N items.

    Replicates in which the statistic is nan are left out. One item, or one group, says nothing of the
    spread: the interval is then infinite. A `Proportion` never gets less than Wilson's interval when there
    are no groups, since a resample of 20 right answers cannot contain a wrong one; with groups, Wilson's
    interval over the number of groups stands in where the bootstrap has no width.
    """
    check_level(level)
    independent = int(group_numbers(groups, items).max()) + 1
    point = value(statistic, items)
    if independent == 1:
        bootstrap = Interval(point, -np.inf, np.inf, level)
    else:
        chunks = bootstrap_weights(items, resamples=resamples, groups=groups, seed=seed)
        bootstrap = percentile_interval(point, np.concatenate([statistic(chunk) for chunk in chunks]), level)
    if not isinstance(statistic, Proportion):
        return bootstrap
    wilson = wilson_interval(point, independent, level)
    if independent == 1:
        return wilson
    if groups is None or bootstrap.low == bootstrap.high:
        return Interval(point, min(bootstrap.low, wilson.low), max(bootstrap.high, wilson.high), level)
    return bootstrap


def percentile_interval(point: float, replicates: FloatArray, level: float) -> Interval:
    """The middle `level` of the replicates that are numbers; infinite when none is."""
    known = replicates[~np.isnan(replicates)]
    if not len(known):
        return Interval(point, -np.inf, np.inf, level)
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return Interval(point, float(low), float(high), level)


def wilson_interval(share: float, items: int, level: float = 0.95) -> Interval:
    """Score interval of a proportion of `items` independent trials (Wilson 1927); within 0 … 1."""
    z = NormalDist().inv_cdf((1 + level) / 2)
    shrink = 1 + z**2 / items
    middle = (share + z**2 / (2 * items)) / shrink
    half = z / shrink * float(np.sqrt(share * (1 - share) / items + z**2 / (4 * items**2)))
    return Interval(share, min(max(0.0, middle - half), share), max(min(1.0, middle + half), share), level)


def group_numbers(groups: ArrayLike | None, items: int) -> IntArray:
    """The number (N,) of each item's group, from 0; every item its own when there are no groups."""
    if items < 1:
        raise HeadstartError("An interval needs at least one item; the table of predictions is empty.")
    if groups is None:
        return np.arange(items, dtype=np.int64)
    names = np.asarray(groups)
    if names.shape != (items,):
        raise HeadstartError(f"Groups must name one group an item, shape ({items},), not {names.shape}.")
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


def check_level(level: float) -> None:
    if not 0 < level < 1:
        raise HeadstartError(f"The level of an interval lies between 0 and 1, such as 0.95; got {level}.")
