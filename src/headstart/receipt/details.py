"""What a reader looks at after the verdict: confusions, calibration, mistakes, and every single answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from headstart.core.ragged import as_arrow
from headstart.data.contents import Contents
from headstart.data.table import Examples
from headstart.measure import scores as measures
from headstart.measure.calibration import reliability
from headstart.receipt.document import Confused, Confusion, Mistake, ReliabilityBin
from headstart.receipt.judged import Judged, Truth
from headstart.tasks import Predictions, Task

MISTAKES = 12
LISTED_CLASSES = 100
TOP_CONFUSIONS = 20
GROUP = "group"
SCORES = "scores_"
"""Columns of predictions.parquet that hold an arm's scores begin so."""


def confusion(task: Task, predictions: Predictions, truth: Truth) -> Confusion | None:
    """Counts of (true class, answered class), where there is one class an example."""
    if not truth.has_classes:
        return None
    counts = measures.confusion(truth.targets, task.encode(predictions.answers), task.outputs).astype(int)
    wrong = counts - np.diag(np.diag(counts))
    order = np.argsort(-wrong, axis=None, kind="stable")[:TOP_CONFUSIONS]
    pairs = [divmod(int(place), task.outputs) for place in order if wrong.flat[place] > 0]
    return Confusion(
        labels=list(task.labels),
        counts=counts.tolist() if task.outputs <= LISTED_CLASSES else [],
        most=[
            Confused(truth=task.labels[row], answer=task.labels[column], count=int(wrong[row, column]))
            for row, column in pairs
        ],
    )


def reliability_bins(predictions: Predictions, truth: Truth) -> list[ReliabilityBin]:
    if not truth.has_classes or predictions.probabilities is None:
        return []
    bins = min(10, max(1, len(truth) // 10))
    return [
        ReliabilityBin(confidence=part.confidence, accuracy=part.accuracy, count=part.count)
        for part in reliability(predictions.probabilities, truth.targets, bins)
    ]


def mistakes(task: Task, predictions: Predictions, truth: Truth, test: Examples) -> list[Mistake]:
    """The wrong answers of most confidence; for numbers, those farthest from the truth; where there is no truth, what
    surprised most."""
    wrong = task.errors(predictions, truth.targets)
    sure = predictions.tells_confidence
    places = np.flatnonzero(wrong > 0)
    order = places[np.argsort(-(predictions.confidence if sure else wrong)[places], kind="stable")][:MISTAKES]
    ids, paths, truths, contents = test.ids(), _paths(test), task.answers_of(truth.targets), Contents(test.table)

    def mistake(row: int) -> Mistake:
        content = contents.at_hand(int(test.indices[row]))
        return Mistake(
            id=ids[row],
            path=paths[row],
            truth=test.table.called(task.shown(truths[row], content)) if task.labelled else None,
            answer=test.table.called(task.shown(predictions.answers[row], content)),
            confidence=float(predictions.confidence[row]) if sure else None,
        )

    return [mistake(row) for row in order.tolist()]


def predictions_table(task: Task, judged: Sequence[Judged], truth: Truth, test: Examples) -> pa.Table:
    """id, digest of the content, truth, answer and confidence of the adapted arm, group where there are any, and a
    column `scores_<arm>` of K numbers (for each place, where there are several) for each arm."""
    adapted = judged[0].predictions
    columns: dict[str, Any] = {
        "id": pa.array(test.ids(), pa.string()),
        "content": pa.array(test.content_keys(), pa.string()),
        "truth": pa.array(task.answers_of(truth.targets), task.truth_type),
        "answer": pa.array(adapted.answers, task.arrow_type),
        "confidence": pa.array(adapted.confidence, pa.float64()),
    }
    if truth.clusters is not None:
        columns[GROUP] = pa.array(truth.clusters, pa.string())
    for one in judged:
        columns[SCORES + one.arm.name] = as_arrow(one.arm.scores)
    return pa.table(columns)


def _paths(test: Examples) -> list[str]:
    if not test.table.has("path"):
        return [""] * len(test)
    return [str(path or "") for path in test.table.column("path").take(pa.array(test.indices)).to_pylist()]
