"""Every arm's answers against the truth: metrics with intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from headstart.data.contents import contents_of
from headstart.measure.intervals import Interval
from headstart.measure.scores import Statistic, value
from headstart.receipt.evidence import Arm, Evidence
from headstart.receipt.intervals import intervals, primary_resamples, secondary_resamples, unbounded
from headstart.tasks import Metric, Predictions, Task
from headstart.tasks.predictions import Targets

VALUE_ALONE = frozenset({"calibration_error", "coverage"})
"""Metrics without an interval: resampling itself makes them larger, or smaller, so its percentiles would miss the
value."""


@dataclass(frozen=True)
class Truth:
    """The test labels, read once."""

    targets: Targets
    clusters: list[str] | None
    """The group (N,) of each example, or None where there are none."""
    seed: int

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def columns(self) -> int:
        """1 for one label an example."""
        return int(self.targets.shape[1]) if self.targets.ndim > 1 else 1

    @property
    def has_classes(self) -> bool:
        return self.targets.ndim == 1 and bool(np.issubdtype(self.targets.dtype, np.integer))


@dataclass(frozen=True)
class Judged:
    """One arm, measured."""

    arm: Arm
    predictions: Predictions
    metrics: dict[str, Metric]
    intervals: dict[str, Interval]
    seeds: tuple[Statistic, ...]
    """The primary metric of each seed that the arm was trained with, the one above first."""

    def primary(self, task: Task) -> Interval:
        return self.intervals[task.primary]

    def by_seed(self, items: int) -> list[float]:
        return [value(statistic, items) for statistic in self.seeds]


def judge(evidence: Evidence, truth: Truth) -> list[Judged]:
    """Every arm, with all resamples for the metric that decides and fewer for the others."""
    task = evidence.task
    test = evidence.splits.test.examples
    decoded = [task.answer(arm.scores, contents_of(test)) for arm in evidence.arms]
    metrics = [{metric.name: metric for metric in task.metrics(one, truth.targets)} for one in decoded]
    names = list(metrics[0])
    others = [name for name in names if name != task.primary and name not in VALUE_ALONE]
    found: list[dict[str, Interval]] = [
        {name: unbounded(value(each[name].statistic, len(truth))) for name in names if name in VALUE_ALONE}
        for each in metrics
    ]
    for wanted, resamples in (([task.primary], primary_resamples), (others, secondary_resamples)):
        cells = [(place, name) for place in range(len(metrics)) for name in wanted]
        many = intervals(
            [metrics[place][name].statistic for place, name in cells],
            len(truth),
            groups=truth.clusters,
            resamples=resamples(len(truth), truth.columns),
            seed=truth.seed,
        )
        for (place, name), interval in zip(cells, many, strict=True):
            found[place][name] = interval
    return [
        Judged(
            arm,
            one,
            each,
            {name: ends[name] for name in names},
            (each[task.primary].statistic, *_again(evidence, arm, truth)),
        )
        for arm, one, each, ends in zip(evidence.arms, decoded, metrics, found, strict=True)
    ]


def _again(evidence: Evidence, arm: Arm, truth: Truth) -> list[Statistic]:
    """The primary metric of the same arm trained with other seeds."""
    task, test = evidence.task, evidence.splits.test.examples
    return [task.metric(task.answer(one, contents_of(test)), truth.targets).statistic for one in arm.again]


def judge_budgets(evidence: Evidence, truth: Truth) -> list[tuple[int, Interval]]:
    """(labels, primary metric), from few labels to many."""
    task, test = evidence.task, evidence.splits.test.examples
    ordered = sorted(evidence.budgets, key=lambda point: point.labels)
    statistics = [
        task.metric(task.answer(point.scores, contents_of(test)), truth.targets).statistic for point in ordered
    ]
    found = (
        intervals(
            statistics,
            len(truth),
            groups=truth.clusters,
            resamples=secondary_resamples(len(truth), truth.columns),
            seed=truth.seed,
        )
        if statistics
        else []
    )
    return [(point.labels, interval) for point, interval in zip(ordered, found, strict=True)]
