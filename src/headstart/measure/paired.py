"""Is one arm better than another on the same items? The difference, its interval, and the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from headstart.core.errors import HeadstartError
from headstart.measure.intervals import (
    Interval,
    bootstrap_interval,
    bootstrap_weights,
    check_level,
    group_numbers,
    percentile_interval,
)
from headstart.measure.linear import FloatArray
from headstart.measure.scores import Statistic, value

Verdict = Literal["helped", "no evidence", "hurt"]


def compare(
    statistic_a: Statistic,
    statistic_b: Statistic,
    items: int,
    *,
    groups: ArrayLike | None = None,
    resamples: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """Interval of a - b, both on the same resampled items (N) or groups of items (paired bootstrap).

    Arms that decide every item alike differ by exactly 0, with an interval of [0, 0].
    """
    return bootstrap_interval(
        lambda weights: statistic_a(weights) - statistic_b(weights),
        items,
        groups=groups,
        resamples=resamples,
        seed=seed,
        level=level,
    )


def compare_apart(
    statistic_a: Statistic,
    items_a: int,
    statistic_b: Statistic,
    items_b: int,
    *,
    groups_a: ArrayLike | None = None,
    groups_b: ArrayLike | None = None,
    resamples: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """Interval of a - b, each on items of its own (such as two domains), resampled apart from each other."""
    check_level(level)
    point = value(statistic_a, items_a) - value(statistic_b, items_b)
    if (
        min(int(group_numbers(groups, items).max()) for groups, items in ((groups_a, items_a), (groups_b, items_b)))
        == 0
    ):
        return Interval(point, -np.inf, np.inf, level)
    replicates = [
        np.concatenate(
            [
                statistic(weights)
                for weights in bootstrap_weights(items, resamples=resamples, groups=groups, seed=seed + place)
            ]
        )
        for place, (statistic, items, groups) in enumerate(
            ((statistic_a, items_a, groups_a), (statistic_b, items_b, groups_b))
        )
    ]
    return percentile_interval(point, replicates[0] - replicates[1], level)


def compare_seeds(
    statistics_a: Sequence[Statistic],
    statistics_b: Sequence[Statistic],
    items: int,
    *,
    groups: ArrayLike | None = None,
    resamples: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """Interval of (mean of a over its seeds) - (mean of b over its seeds), resampling items and seeds.

    One statistic a training seed; the arms may have different numbers of them, and an arm of one seed is
    taken as it is. The items of a replicate are the same for all; the seeds of the two arms are drawn
    independently. Means of S drawn seeds vary less than means of S new ones, by (S - 1) / S in variance:
    deviations are widened to match.
    """
    check_level(level)
    if not statistics_a or not statistics_b:
        raise HeadstartError("Comparing seeds needs the predictions of at least one seed for each arm.")
    point = _plain_mean(statistics_a, items) - _plain_mean(statistics_b, items)
    if int(group_numbers(groups, items).max()) == 0:
        return Interval(point, -np.inf, np.inf, level)
    generator = np.random.default_rng([seed, 1])  # apart from the stream that draws the items
    replicates = [
        _resampled_mean(statistics_a, weights, generator) - _resampled_mean(statistics_b, weights, generator)
        for weights in bootstrap_weights(items, resamples=resamples, groups=groups, seed=seed)
    ]
    return percentile_interval(point, np.concatenate(replicates), level)


def verdict(difference: Interval) -> Verdict:
    """What the interval of (adapted - baseline) says, for a metric of which more is better."""
    if difference.low > 0:
        return "helped"
    return "hurt" if difference.high < 0 else "no evidence"


def _plain_mean(statistics: Sequence[Statistic], items: int) -> float:
    return float(np.mean([value(statistic, items) for statistic in statistics]))


def _resampled_mean(statistics: Sequence[Statistic], weights: FloatArray, generator: np.random.Generator) -> FloatArray:
    """Mean (R,) over seeds drawn with replacement, one draw a replicate."""
    values = np.stack([statistic(weights) for statistic in statistics], axis=1)
    seeds = values.shape[1]
    middle = values.mean(axis=1)
    if seeds == 1:
        return np.asarray(middle, dtype=np.float64)
    drawn = generator.multinomial(seeds, np.full(seeds, 1 / seeds), size=len(values)) / seeds
    widened = np.sqrt(seeds / (seeds - 1)) * ((drawn * values).sum(axis=1) - middle)
    return np.asarray(middle + widened, dtype=np.float64)
