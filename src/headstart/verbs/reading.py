"""Contents that a run is asked about: read in the way its recipe read those that it learned from."""

from __future__ import annotations

from collections.abc import Mapping
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


def readable(
    contents: Any,
    source: Source,
    columns: str | None = None,
    written: bool = False,
    how: Mapping[str, Any] | None = None,
) -> Table:
    """The table of `contents`, without the rows whose content cannot be decoded.

    Args:
        columns: that hold the contents, where they are known.
        written: texts are to be written in answer to them.
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
            return decoder.examine(opened.read(row)).problem
        except Unreadable as reason:
            return str(reason)

    problems = list(ahead(problem, range(len(table))))
    if all(problems):
        raise DataError(f"No example in {table.origin} can be used: {problems[0]}.")
    return table.keep(
        np.array([not found for found in problems], dtype=bool),
        {row: found for row, found in enumerate(problems) if found},
    )
