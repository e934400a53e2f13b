"""The things that contents refer to, such as the items that users met: what a source has to know of them."""

from __future__ import annotations

import numpy as np

from headstart.bank import Bank, features_of
from headstart.core.errors import DataError
from headstart.data.contents import contents_of, digest
from headstart.data.table import Examples, Table
from headstart.sources import Source
from headstart.sources.points import Point
from headstart.sources.recommending import Catalogue
from headstart.tasks import Task
from headstart.verbs.recipe import Recipe


def acquainted(source: Source, task: Task, table: Table, bank: Bank, recipe: Recipe) -> Source:
    """`source`, knowing each thing that `table` refers to by features that the bank keeps, in the order of the task's
    labels; what has no text has none.

    Args:
        recipe: says whether users and items are those that the source knows from elsewhere.

    Raises:
        DataError: the source knows things by nothing, or needs a table of them.
    """
    describer, known = source.describer, table.items
    if known is None or describer is None:
        return source
    texts = list(contents_of(known))
    described = np.array([bool(str(text).strip()) for text in texts])
    point = Point(describer.stages[-1].name)
    features = np.zeros((len(known), describer.stages[-1].width), np.float32)
    if described.any():
        keys = [digest(text) for text in texts]
        examples = Examples(known, np.flatnonzero(described), keys)
        features[described] = features_of(bank, describer, examples, [point], title="Items").at[point]
    place = {name: row for row, name in enumerate(known.strings("id"))}
    missing = next((name for name in task.labels if name not in place), None)
    if missing is not None:
        raise DataError(f"The item {missing} is not in {known.origin}. Give the table of items that belongs to it.")
    order = [place[name] for name in task.labels]
    titles = known.strings("title")
    named = tuple(titles[row] for row in order)
    same = recipe.same_users, recipe.same_items
    return source.knowing(Catalogue(task.labels, named, features[order], task.occurrences, *same))
