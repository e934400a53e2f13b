"""Verification: whether two contents are of one label, such as a speaker, on labels that nobody has learned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from headstart.bank import Bank, features_of
from headstart.core import settings
from headstart.core.errors import DataError
from headstart.data import checks
from headstart.data.read import read
from headstart.data.table import Examples
from headstart.measure.intervals import bootstrap_interval
from headstart.measure.verification import EqualErrorRate
from headstart.receipt import words
from headstart.receipt.assemble import measures_of
from headstart.receipt.cautions import FEW_GROUPS
from headstart.sources import Source, open_source
from headstart.sources.points import Point
from headstart.tasks import Metric
from headstart.verbs.evaluate import Evaluation
from headstart.verbs.model import Model

RESAMPLES = 300
"""Of labels: each looks at all pairs."""
MOST = 2000
"""Contents whose pairs are judged, evenly spaced among all: their number grows with the square."""


def verify(
    source: str | Path | Source | Model,
    target: Any,
    *,
    label: str | None = None,
    content: str | None = None,
    split: str | None = None,
) -> Evaluation:
    """The equal error rate of `source`, or of a run, on all pairs of the contents of `target`, with an interval
    over labels. Two contents are as alike as the cosine of their features, less the mean of all.

    Raises:
        HeadstartError: there is nothing to judge; the message says why.
    """
    bank = Bank(settings.current().bank)
    table = read(target, label=label, content=content, split=split)
    opened = source.source if isinstance(source, Model) else open_source(source)
    opened = opened.for_modality(table.modality, table.origin)
    usable = checks.check(table, bank.facts(table.modality))
    rows = np.linspace(0, len(usable.table) - 1, min(MOST, len(usable.table))).astype(np.int64)
    examples = Examples(usable.table, rows, usable.keys)
    names = [str(name) for name in examples.labels(usable.table.labels[0])]
    known, numbers = np.unique(names, return_inverse=True)
    if len(known) < 2 or len(known) == len(names):
        raise DataError(
            f"{table.origin} has {len(known)} labels for {len(names)} contents. Verification needs several labels with "
            "several contents each: name the column with --label."
        )
    point = Point(opened.stages[-1].name)
    features = features_of(bank, opened, examples, [point]).at[point].astype(np.float64)
    statistic = EqualErrorRate(features - features.mean(axis=0), numbers)
    metric = Metric("equal_error_rate", "Equal error rate", statistic, greater_is_better=False)
    interval = bootstrap_interval(metric.statistic, len(numbers), groups=numbers, resamples=RESAMPLES)
    return Evaluation(
        {metric.name: interval},
        tuple(measures_of([metric])),
        metric.name,
        len(numbers),
        words.noun(usable.table.modality),
        usable.table.quarantine,
        (*_few(known.tolist()), *(_learned(source, known.tolist()) if isinstance(source, Model) else ())),
    )


def _few(labels: Sequence[str]) -> Iterator[str]:
    if len(labels) < FEW_GROUPS:
        yield (f"There are {len(labels)} labels only: the interval resamples these, and so few say little of new ones.")


def _learned(model: Model, labels: Sequence[str]) -> Iterator[str]:
    """That heads have no part in it, and a warning when labels are not new to the run."""
    yield "Features are compared, as the run's network has them; what its head learned has no part in that."
    common = set(labels) & set(map(str, model.labels))
    if common:
        yield (
            f"{len(common)} of the {len(labels)} labels were learned from, such as {min(common)}, so this is no "
            "measure of how new ones are told apart."
        )
