"""Contents that a run is asked about: read in the way its recipe read those that it learned from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from headstart.core.errors import DataError
from headstart.data.table import Table
from headstart.sources import Source
from headstart.tasks import Task


def learned_columns(folder: Path, contents: Any) -> tuple[str | None, str | None]:
    """The columns of contents and of labels that the recipe of a run names, where `contents` have columns."""
    from headstart.data.read import has_columns
    from headstart.verbs.recipe import RECIPE, load

    path = folder / RECIPE
    if not path.is_file() or not has_columns(contents):
        return None, None
    recipe = load(path)
    return recipe.content, recipe.label


def reading_options(folder: Path, task: Task, source: Source) -> dict[str, Any]:
    """For a task whose targets need a reader of their own, how they are read: as the run's recipe did."""
    from headstart.verbs.recipe import RECIPE, load

    if not task.reader:
        return {}
    recipe = load(folder / RECIPE)
    windows = recipe.windows(source.context, task.each_step) if task.looks_ahead else None
    return {"reader": task.reader, "time": recipe.time, "windows": windows, "user": recipe.user}


def read_together(folder: Path, task: Task) -> tuple[str, ...]:
    """What the texts of each example are, where the run reads several together."""
    from headstart.verbs.recipe import RECIPE, load

    path = folder / RECIPE
    names = tuple(((path.is_file() and load(path).content) or "").split(","))
    return task.together or (names if len(names) > 1 else ())


def readable(
    contents: Any,
    source: Source,
    columns: str | None = None,
    written: bool = False,
    how: Mapping[str, Any] | None = None,
    together: Sequence[str] = (),
) -> Table:
    """The table of `contents`, without the rows whose content cannot be decoded.

    Args:
        columns: that hold the contents, where they are known.
        written: texts are to be written in answer to them.
        together: what the texts of each content are, where there have to be several.
        how: further ways in which a table file is read; see `reading_options`.

    Raises:
        DataError: none can be.
    """
    from headstart.data.batches import ahead
    from headstart.data.contents import Contents, Unreadable
    from headstart.data.modalities import open_modality
    from headstart.data.read import read
    from headstart.verbs.windows import divided

    modality = source.description.modality
    given = dict(how or {}) if isinstance(contents, (str, Path)) else {}
    found = read(contents, labelled=False, modality=modality, content=columns, written=written, **given)
    table = divided(found, source)
    decoder, opened = open_modality(table.modality), Contents(table)

    def problem(row: int) -> str:
        try:
            content = opened.read(row)
            found = decoder.examine(content).problem
            return found or (_parted(decoder.decode(content), together) if together else "")
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
