"""The adapted arm taken apart: by label, and by a property of the examples, such as their length."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from headstart.measure import retrieval
from headstart.measure.scores import Statistic
from headstart.receipt.document import LabelRow, Range, SliceRow
from headstart.receipt.evidence import Evidence
from headstart.receipt.intervals import intervals, secondary_resamples
from headstart.receipt.judged import Truth
from headstart.tasks import Predictions

LISTED = 100
"""Labels above which they are not listed one by one."""
FEWEST = 10
"""Test examples below which a property's value says nothing by itself."""


def by_label(evidence: Evidence, predictions: Predictions, truth: Truth) -> list[LabelRow]:
    """F1, precision and recall of every label; none where there are no labels, or too many to list."""
    found = evidence.task.retrieved(predictions, truth.targets)
    if len(found) > LISTED:
        return []
    statistics = [
        statistic
        for one in found.values()
        for statistic in (
            _where_met(retrieval.f1(one.right, one.given, one.wanted), one.wanted),
            _where_met(retrieval.precision(one.right, one.given), one.given),
            _where_met(retrieval.recall(one.right, one.wanted), one.wanted),
        )
    ]
    ends = intervals(
        statistics,
        len(truth),
        groups=truth.clusters,
        resamples=secondary_resamples(len(truth), max(1, len(found))),
        seed=truth.seed,
    )
    rows = zip(found.items(), ends[::3], ends[1::3], ends[2::3], strict=True)
    return [
        LabelRow(
            name=name,
            count=int(one.wanted.sum()),
            f1=Range.of(f1),
            precision=Range.of(precision),
            recall=Range.of(recall),
        )
        for (name, one), f1, precision, recall in rows
    ]


def _where_met(statistic: Statistic, of_label: NDArray[np.float64]) -> Statistic:
    """The same, but nan, so that it is passed over, for resamples without any example `of_label` (N,)."""

    def found(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(weights @ of_label > 0, statistic(weights), np.nan)

    return found if of_label.any() else statistic


def by_property(evidence: Evidence, predictions: Predictions, truth: Truth) -> list[SliceRow]:
    """The deciding metric on the examples of each common value, where there are at least two."""
    rows: list[SliceRow] = []
    for name, of_all in evidence.checked.properties.items():
        values = np.array(of_all, object)[evidence.splits.test.examples.indices]
        places = {value: np.flatnonzero(values == value) for value in sorted(set(values), key=_in_order) if value}
        common = {value: found for value, found in places.items() if len(found) >= FEWEST}
        if len(common) > 1:
            rows += [_row(evidence, predictions, truth, (name, value), found) for value, found in common.items()]
    return rows


def _in_order(value: str) -> tuple[list[int], str]:
    """`up to 16 words` before `17 to 64 words` before `257 to 1024 words`."""
    return [int(number) for number in re.findall(r"\d+", value)], value


def _row(
    evidence: Evidence, predictions: Predictions, truth: Truth, named: tuple[str, str], rows: NDArray[np.int64]
) -> SliceRow:
    some = Predictions(
        predictions.scores[rows],
        [predictions.answers[row] for row in rows],
        None if predictions.probabilities is None else predictions.probabilities[rows],
        predictions.confidence[rows],
    )
    clusters = None if truth.clusters is None else [truth.clusters[row] for row in rows]
    part = replace(truth, targets=truth.targets[rows], clusters=clusters)
    metric = evidence.task.metric(some, part.targets)
    [found] = intervals(
        [metric.statistic],
        len(part),
        groups=part.clusters,
        resamples=secondary_resamples(len(part), part.columns),
        seed=truth.seed,
    )
    return SliceRow(property=named[0], value=named[1], count=len(part), metric=Range.of(found))
