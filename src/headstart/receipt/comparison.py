"""Several receipts side by side, with paired intervals on the test items that all of them share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from headstart.core.errors import DataError
from headstart.core.ragged import from_arrow
from headstart.measure import paired
from headstart.receipt import words
from headstart.receipt.details import GROUP, SCORES
from headstart.receipt.document import Measure, Range, Receipt, TaskSection
from headstart.receipt.evidence import ADAPTED
from headstart.receipt.intervals import intervals, primary_resamples, unbounded
from headstart.tasks import Metric, Task, use

Run = tuple[str, Receipt, pa.Table]
"""Name, receipt, and the table of predictions that belongs to it."""


@dataclass(frozen=True)
class Compared:
    """One run on the shared items."""

    name: str
    source: str
    strategy: str
    metrics: dict[str, Range]
    """Every metric on the shared items; an interval for the one that decides."""
    difference: Range | None
    """Of the deciding metric: this run minus the first; None for the first."""
    seconds: float
    trained_on: int
    """Examples that the run learned from."""


@dataclass(frozen=True)
class Comparison:
    """What several runs gain over the first one."""

    runs: tuple[Compared, ...]
    measures: tuple[Measure, ...]
    primary: Measure
    items: int
    """Test items that all runs share."""
    noun: str
    notes: tuple[str, ...]


def compare(runs: Sequence[Run]) -> Comparison:
    """Every run against the first, on the test items (by id, content and truth) that all share.

    Items of one group are resampled together, where the first run has groups.

    Raises:
        DataError: the runs answer different tasks, or share no test items.
    """
    first = runs[0][1].task
    for name, receipt, _ in runs[1:]:
        _require_same_task(runs[0][0], first, name, receipt.task)
    places = _shared([table for _, _, table in runs])
    if not len(places[0]):
        raise DataError(
            f"{words.listed([name for name, _, _ in runs])} share no test item (same id, content and truth), "
            "so they cannot be compared. Adapt them to the same target with the same --seed."
        )
    primary = runs[0][1].primary
    task = use(described(runs[0][1]))
    truths = runs[0][2].column("truth").take(pa.array(places[0])).to_pylist()
    found = [
        stored_metrics(task, receipt.task, table, rows, truths)
        for (_, receipt, table), rows in zip(runs, places, strict=True)
    ]
    resamples = primary_resamples(len(truths), 1 if task.encode(truths).ndim == 1 else task.outputs)
    table = runs[0][2]
    groups = table.column(GROUP).take(pa.array(places[0])).to_pylist() if GROUP in table.column_names else None
    ranges = intervals(
        [metrics[primary.name].statistic for metrics in found], len(truths), groups=groups, resamples=resamples, seed=0
    )
    compared = []
    for place, ((name, receipt, _), metrics) in enumerate(zip(runs, found, strict=True)):
        ones = np.ones((1, len(truths)))
        values = {
            key: Range.of(ranges[place])
            if key == primary.name
            else Range.of(unbounded(float(metric.statistic(ones)[0])))
            for key, metric in metrics.items()
        }
        gain = (
            None
            if place == 0
            else Range.of(
                paired.compare(
                    metrics[primary.name].statistic,
                    found[0][primary.name].statistic,
                    len(truths),
                    groups=groups,
                    resamples=resamples,
                )
            )
        )
        compared.append(
            Compared(
                name,
                words.named(receipt.source.name),
                receipt.strategy.name,
                values,
                gain,
                receipt.cost.seconds,
                receipt.target.training + receipt.target.validation,
            )
        )
    return Comparison(
        tuple(compared),
        tuple(runs[0][1].task.measures),
        primary,
        len(truths),
        words.noun(runs[0][1].source.modality, runs[0][1].task.things),
        tuple(_notes(runs, len(truths))),
    )


def described(receipt: Receipt) -> dict[str, Any]:
    """The run's task as its plan has it, with all that it takes to measure by."""
    told = receipt.task
    known: Any = next(iter(cast("list[Any]", receipt.strategy.plan.get("heads", []))), {"task": {}})["task"]
    return {"kind": told.kind, "label": told.label, "labels": told.labels, "primary": told.primary, **known}


def _require_same_task(one: str, first: TaskSection, other: str, second: TaskSection) -> None:
    if first.kind != second.kind:
        raise DataError(
            f"{one} answers a {first.kind} task and {other} a {second.kind} task: they have no metric in "
            "common. Compare runs of one task."
        )
    if set(first.labels) != set(second.labels):
        only = sorted(set(first.labels) ^ set(second.labels))
        raise DataError(
            f"{one} and {other} answer different labels: {words.listed(only[:5])} "
            f"{'is' if len(only) == 1 else 'are'} in one of them only. Compare runs with the same labels."
        )


def _shared(tables: Sequence[pa.Table]) -> list[NDArray[np.int64]]:
    """For each table the rows of the items that all have, in the order of the first."""
    rows = [table.select(["id", "content", "truth"]).to_pylist() for table in tables]
    keys = [[(row["id"], row["content"], repr(row["truth"])) for row in each] for each in rows]
    where: list[Mapping[tuple[str, str, str], int]] = [{key: row for row, key in enumerate(each)} for each in keys]
    common = [key for key in keys[0] if all(key in each for each in where[1:])]
    return [np.array([each[key] for key in common], np.int64) for each in where]


def stored_metrics(
    task: Task, own: TaskSection, table: pa.Table, rows: NDArray[np.int64], truths: list[object]
) -> dict[str, Metric]:
    """Metrics of one run's answers for the shared items, its scores in the first run's order of labels."""
    scores = from_arrow(table.column(SCORES + ADAPTED).take(pa.array(rows)))
    ordered = task.reordered(scores, own.labels)
    answers = table.column("answer").take(pa.array(rows)).to_pylist()
    decoded = replace(task.decode(ordered), answers=answers)
    return {metric.name: metric for metric in task.metrics(decoded, task.encode(truths))}


def _notes(runs: Sequence[Run], items: int) -> list[str]:
    largest = max(table.num_rows for _, _, table in runs)
    notes = []
    if items < largest:
        notes.append(f"Only the {items:,} test items that all runs share are compared, of up to {largest:,}.")
    if len({receipt.seed for _, receipt, _ in runs}) > 1:
        notes.append("The runs have different seeds: part of a difference is the luck of training.")
    return notes
