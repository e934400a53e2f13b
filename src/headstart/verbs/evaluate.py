"""Evaluate a run on other labelled data."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.data.contents import contents_of
from headstart.data.table import Quarantined, Table
from headstart.engine.solve import require_same_lengths
from headstart.measure.intervals import Interval, bootstrap_interval
from headstart.measure.paired import compare_apart
from headstart.receipt import words
from headstart.receipt.assemble import measures_of
from headstart.receipt.comparison import stored_metrics
from headstart.receipt.document import Measure
from headstart.receipt.intervals import unbounded
from headstart.receipt.judged import VALUE_ALONE
from headstart.sources.points import PLACES
from headstart.tasks import Metric
from headstart.verbs.reading import readable, reading_of
from headstart.verbs.windows import with_lengths

if TYPE_CHECKING:
    from headstart.verbs.model import Model


@dataclass(frozen=True)
class Evaluation:
    """Metrics with intervals on labelled data that the run had no part in choosing."""

    metrics: dict[str, Interval]
    measures: tuple[Measure, ...]
    """How each metric is called and read, in their order."""
    primary: str
    items: int
    noun: str
    """What the items are called: "images", "users"."""
    quarantine: tuple[Quarantined, ...]
    notes: tuple[str, ...]
    """What a reader should know before trusting the numbers."""
    lost: Interval | None = None
    """How much better the primary metric was on the run's own test: what the change of domain costs. None where the
    run has no test answers, or learned from this target."""

    @property
    def deciding(self) -> Measure:
        return next(measure for measure in self.measures if measure.name == self.primary)

    def as_dict(self) -> dict[str, Any]:
        """For JSON; ends that are not finite become None."""
        return {
            "items": self.items,
            "primary": self.primary,
            "metrics": {name: _ends(one) for name, one in self.metrics.items()},
            "lost": _ends(self.lost) if self.lost is not None else None,
            "notes": list(self.notes),
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


def _ends(interval: Interval) -> dict[str, float | None]:
    return {part: _finite(getattr(interval, part)) for part in ("value", "low", "high")}


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


def evaluate(model: Model, target: Any, *, label: str | None = None, content: str | None = None) -> Evaluation:
    """How good `model` is on `target`, which has labels of the kind it learned.

    Args:
        label, content: columns of a table; those that were learned from when not given.

    Raises:
        DataError: no labels, or one that the model does not know.
    """
    from headstart.data.read import read

    how = reading_of(model.folder, model.task, model.source, target)
    labelled = model.task.labelled
    table = read(
        target,
        label=label or how.label,
        content=content or (how.content if labelled else None),
        labelled=labelled,
        written=model.task.texts,
        **how.options,
    )
    usable = readable(only_test(table), model.source)
    usable = usable if labelled else with_lengths(usable)
    values = usable.column(usable.learned).to_pylist()
    task = model.task
    targets = task.encode(values)
    scores = model.scores(usable)
    if task.reads == PLACES and task.aligned:
        require_same_lengths(scores, task.numbers(targets), usable.strings("id"), usable.origin)
    predictions = task.answer(scores, contents_of(usable))
    groups = np.array(usable.strings("group")) if usable.has("group") else None
    metrics = task.metrics(predictions, targets)
    ones = np.ones((1, len(targets)))
    notes = tuple(_notes(model, usable))
    deciding = next(metric for metric in metrics if metric.name == task.primary)
    return Evaluation(
        {
            metric.name: unbounded(float(metric.statistic(ones)[0]))
            if metric.name in VALUE_ALONE
            else bootstrap_interval(metric.statistic, len(targets), groups=groups)
            for metric in metrics
        },
        tuple(measures_of(metrics)),
        task.primary,
        len(targets),
        words.noun(usable.modality, task.things),
        usable.quarantine,
        notes,
        None if notes else _lost(model, deciding, len(targets), groups),
    )


def _lost(model: Model, here: Metric, items: int, groups: Any) -> Interval | None:
    """The primary metric on the run's own test items, less the one here."""
    import pyarrow.parquet as parquet

    from headstart.verbs import artefact

    if not (model.folder / "receipt.json").is_file():
        return None
    answers = parquet.read_table(artefact.sealed(model.folder, "predictions.parquet"))
    own = stored_metrics(
        model.task, model.receipt.task, answers, np.arange(len(answers)), answers.column("truth").to_pylist()
    )[here.name]
    lost = compare_apart(own.statistic, len(answers), here.statistic, items, groups_b=groups)
    return lost if here.greater_is_better else Interval(-lost.value, -lost.high, -lost.low, lost.level)


def _notes(model: Model, table: Table) -> Iterator[str]:
    """A warning when the run learned from the same target; what was in memory may be another."""
    known = model.receipt.target.origin if (model.folder / "receipt.json").is_file() else ""
    if table.origin == known and Path(known).exists() and not table.has("split"):
        yield (
            f"The run learned from a part of {table.origin}, so these numbers are too good. Its receipt has those of "
            "the part that it did not learn from."
        )
