"""Evaluate a run on other labelled data."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from headstart.data.table import Quarantined, Table
from headstart.measure.intervals import Interval, bootstrap_interval
from headstart.verbs.model import Model, readable


@dataclass(frozen=True)
class Evaluation:
    """Metrics with intervals on labelled data that the run had no part in choosing."""

    metrics: dict[str, Interval]
    titles: dict[str, str]
    primary: str
    items: int
    quarantine: tuple[Quarantined, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON; ends that are not finite become None."""
        return {
            "items": self.items,
            "primary": self.primary,
            "metrics": {
                name: {part: _finite(getattr(one, part)) for part in ("value", "low", "high")}
                for name, one in self.metrics.items()
            },
            "quarantine": [{"id": item.id, "reason": item.reason} for item in self.quarantine],
        }


def only_test(table: Table) -> Table:
    """The test part of a target that has parts: a model may have learned from the others."""
    if not table.has("split"):
        return table
    import pyarrow as pa

    parts = table.strings("split")
    if "test" not in parts:
        return table
    return replace(table, rows=table.rows.filter(pa.array([part == "test" for part in parts])))


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


def evaluate(model: Model, target: Any, *, label: str | None = None) -> Evaluation:
    """How good `model` is on `target`, which has labels of the kind it learned.

    Raises:
        DataError: no labels, or one that the model does not know.
    """
    from headstart.data.read import read

    usable = readable(only_test(read(target, label=label)), model.source)
    values = usable.column(usable.labels[0]).to_pylist()
    task = model.task
    targets = task.encode(values)
    predictions = task.decode(model.head.scores(model.features(usable, model.head.at)))
    groups = np.array(usable.strings("group")) if usable.has("group") else None
    metrics = task.metrics(predictions, targets)
    return Evaluation(
        {metric.name: bootstrap_interval(metric.statistic, len(targets), groups=groups) for metric in metrics},
        {metric.name: metric.title for metric in metrics},
        task.primary,
        len(targets),
        usable.quarantine,
    )
