"""What is in a target, and what is wrong with it, before anything is learned."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from headstart.bank import Bank
from headstart.core import settings
from headstart.data import checks
from headstart.data.answers import is_cell, kind_of
from headstart.data.read import read
from headstart.data.table import Quarantined


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


def inspect(
    target: Any,
    *,
    label: str | None = None,
    content: str | None = None,
    group: str | None = None,
    time: str | None = None,
    split: str | None = None,
    labelled: bool = True,
) -> Inspection:
    """Reads and checks a target as `adapt` would; however many items are bad, they are listed.

    Raises:
        DataError: there is nothing to look at.
    """
    table = read(target, label=label, content=content, group=group, time=time, split=split, labelled=labelled)
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
    )


def _names(value: Any) -> list[str]:
    """What a label counts for."""
    if is_cell(value):
        return [kind_of(value)]
    return [str(name) for name in value] if isinstance(value, list) else [str(value)]
