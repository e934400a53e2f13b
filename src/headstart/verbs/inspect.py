"""What is in a target, and what is wrong with it, before anything is learned."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from headstart.bank import Bank
from headstart.core import settings
from headstart.core.wording import counted
from headstart.data import checks
from headstart.data.answers import is_cell, kind_of
from headstart.data.read import read
from headstart.data.table import Quarantined
from headstart.tasks import Task, tasks
from headstart.tasks.choose import usual_kind
from headstart.verbs.recipe import Recipe, checked

PAST = 512
"""Steps of the past that are looked at where neither user nor source says."""


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
    things: str = "examples"
    """What people call its examples."""


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
    series: str | None = None,
    value: str | None = None,
    horizon: int | None = None,
    context: int | None = None,
    season: int | None = None,
    known: str | None = None,
    items: str | None = None,
    user: str | None = None,
) -> Inspection:
    """Reads and checks a target as `adapt` would; however many items are bad, they are listed.

    Args:
        task: where the form of the target does not tell how it is read, such as recommendation.
        series, value, horizon, context, season, known: as for `adapt`; without a horizon, one step is told, or for
            anomaly as many as usual.
        items, user: see `headstart.data.read.read`.

    Raises:
        DataError: there is nothing to look at.
        RecipeError: an option of another task.
    """
    kind = tasks.get(task) if task is not None else Task
    particular = {"series": series, "value": value, "horizon": horizon, "context": context, "season": season}
    particular |= {"known": known, "items": items, "user": user}
    recipe = checked(Recipe, {"target": "", "source": "", "label": label, **particular})
    recipe.require_particular(kind.options, task)
    recipe = recipe.model_copy(update={"horizon": horizon or (None if kind.each_step else 1)})
    table = read(
        target,
        label=label,
        content=content,
        group=group,
        time=time,
        split=split,
        labelled=labelled and kind.labelled and (kind.looks_ahead or not kind.reader),
        written=kind.texts and not kind.reader,
        reader=kind.reader,
        windows=recipe.windows(PAST, kind.each_step) if kind.looks_ahead else None,
        items=items,
        user=user,
    )
    bank = Bank(settings.current().bank)
    usable = checks.check(table, bank.facts(table.modality), quarantine_share=1.0)
    seen = usable.table
    labels: Counter[str] = Counter()
    about = [("read", ", ".join(seen.contents))] if seen.contents else []
    if seen.labels and seen.has(seen.labels[0]) and not kind.reader:
        given = seen.column(seen.labels[0])
        values = given.to_pylist()
        if kind.texts:
            about.append(("to be written", counted(len(set(values)), "different text", "different texts")))
        elif not is_cell(values[0]) and usual_kind(given.type, values) == "regression":
            low, middle, high = np.quantile(np.asarray(values, np.float64), (0, 0.5, 1))
            about.append(("label", f"numbers from {low:.4g} to {high:.4g}, half of them below {middle:.4g}"))
        else:
            for value in values:
                labels.update(_names(value))
    parts = Counter(str(part) for part in seen.column("split").to_pylist()) if seen.has("split") else Counter()
    return Inspection(
        seen.origin,
        len(seen),
        dict(labels.most_common()),
        dict(parts),
        {name: tuple(counter.most_common(5)) for name, counter in usable.counts.items()},
        len(seen) - len(np.unique(usable.clusters)),
        seen.quarantine,
        seen.notes,
        (*seen.about, *about),
        kind.things or "examples",
    )


def _names(value: Any) -> list[str]:
    """What a label counts for."""
    if is_cell(value):
        return [kind_of(value)]
    return [str(name) for name in value] if isinstance(value, list) else [str(value)]
