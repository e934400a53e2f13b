"""What is in a target, and what is wrong with it, before anything is learned."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from headstart.bank import Bank
from headstart.core import settings
from headstart.core.errors import RecipeError
from headstart.data import checks
from headstart.data.answers import is_cell, kind_of
from headstart.data.read import read
from headstart.data.table import Quarantined
from headstart.tasks import tasks


@dataclass(frozen=True)
class Inspection:
    """What `headstart inspect` shows."""

    origin: str
    examples: int
    labels: dict[str, int]
    """Label, or kind of question, to number of examples, the most common first; empty when there are none."""
    parts: dict[str, int]
    properties: dict[str, tuple[tuple[str, int], ...]]
    duplicates: int
    """Examples that look like an earlier one."""
    quarantine: tuple[Quarantined, ...]
    notes: tuple[str, ...]
    about: tuple[tuple[str, str], ...] = ()
    """What the reader says of the whole."""


def inspect(
    target: Any,
    *,
    label: str | None = None,
    content: str | None = None,
    group: str | None = None,
    time: str | None = None,
    split: str | None = None,
    labelled: bool = True,
    task: str | None = None,
    items: str | None = None,
    user: str | None = None,
) -> Inspection:
    """Reads and checks a target as `adapt` would; however many items are bad, they are listed.

    Args:
        task: where the form of the target does not tell how it is read, such as recommendation.
        items, user: see `headstart.data.read.read`.

    Raises:
        DataError: there is nothing to look at.
        RecipeError: the task is one whose examples only `adapt` can cut out of series.
    """
    if task is not None and tasks.get(task).looks_ahead:
        raise RecipeError(
            f"What is looked at for --task {task} depends on how series are cut. headstart adapt says what is wrong "
            "with them before it begins."
        )
    reader = tasks.get(task).reader if task is not None else ""
    labelled = labelled and not reader
    table = read(
        target, label=label, content=content, group=group, time=time, split=split, labelled=labelled, reader=reader,
        items=items, user=user,
    )  # fmt: skip
    bank = Bank(settings.current().bank)
    usable = checks.check(table, bank.facts(table.modality), quarantine_share=1.0)
    seen = usable.table
    labels: Counter[str] = Counter()
    if labelled:
        for value in seen.column(seen.labels[0]).to_pylist():
            labels.update(_names(value))
    parts = Counter(str(part) for part in seen.column("split").to_pylist()) if seen.has("split") else Counter()
    return Inspection(
        seen.origin,
        len(seen),
        dict(labels.most_common()),
        dict(parts),
        dict(usable.facts),
        len(seen) - len(np.unique(usable.clusters)),
        seen.quarantine,
        seen.notes,
        seen.about,
    )


def _names(value: Any) -> list[str]:
    """What a label counts for."""
    if is_cell(value):
        return [kind_of(value)]
    return [str(name) for name in value] if isinstance(value, list) else [str(value)]
