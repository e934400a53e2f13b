"""Contents that a run is asked about: read in the way its recipe read those that it learned from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from headstart.core.errors import DataError
from headstart.data.table import Table
from headstart.sources import Source
from headstart.tasks import Task


@dataclass(frozen=True)
class Reading:
    """How a run read what it learned from, and so reads what it is asked about."""

    content: str | None = None
    label: str | None = None
    """Columns, where the contents have columns."""
    together: tuple[str, ...] = ()
    """What the texts of each example are, where several are read together."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """For a task whose targets need a reader of their own, how they are read."""


def reading_of(folder: Path, task: Task, source: Source, contents: Any) -> Reading:
    """How the run in `folder` reads `contents`, by its recipe."""
    from headstart.data.read import has_columns
    from headstart.verbs.recipe import RECIPE, load

    path = folder / RECIPE
    if not path.is_file() and not task.reader:
        return Reading(together=task.together)
    recipe = load(path)
    content, label = (recipe.content, recipe.label) if has_columns(contents) else (None, None)
    names = tuple((recipe.content or "").split(","))
    together = task.together or (names if len(names) > 1 else ())
    if not task.reader:
        return Reading(content, label, together)
    windows = recipe.windows(source.context, task.each_step) if task.looks_ahead else None
    options = {"reader": task.reader, "time": recipe.time, "windows": windows, "user": recipe.user}
    return Reading(content, label, together, options)


def readable(
    contents: Any,
    source: Source,
    content: str | None = None,
    written: bool = False,
    how: Reading | None = None,
) -> Table:
    """The table of `contents`, without the rows whose content cannot be decoded.

    Args:
        content: columns that hold them, where these are known.
        written: texts are to be written in answer to them.
        how: a run reads them.

    Raises:
        DataError: none can be.
    """
    from headstart.data.batches import ahead
    from headstart.data.contents import Contents, Unreadable
    from headstart.data.modalities import open_modality
    from headstart.data.read import read
    from headstart.verbs.windows import divided

    modality = source.description.modality
    how = how or Reading()
    given = how.options if isinstance(contents, (str, Path)) else {}
    found = read(contents, labelled=False, modality=modality, content=content, written=written, **given)
    table = divided(found, source)
    decoder, opened = open_modality(table.modality), Contents(table)

    def problem(row: int) -> str:
        try:
            one = opened.read(row)
            problem = decoder.examine(one).problem
            return problem or (_parted(decoder.decode(one), how.together) if how.together else "")
        except Unreadable as reason:
            return str(reason)

    problems = list(ahead(problem, range(len(table))))
    if all(problems):
        raise DataError(f"No example in {table.origin} can be used: {problems[0]}.")
    return table.keep(
        np.array([not found for found in problems], dtype=bool),
        {row: found for row, found in enumerate(problems) if found},
    )


def _parted(content: Any, together: Sequence[str]) -> str:
    """What is wrong with a decoded content, if it lacks one of the texts that belong together."""
    count = len(content) if isinstance(content, tuple) else 1
    if count >= len(together):
        return ""
    return (
        f"it is {'one text' if count == 1 else f'{count} texts'}, and {' and '.join(together)} are read together: give "
        "a tuple of them, or a table with a column of each"
    )
