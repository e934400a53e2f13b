"""What to show one user, and why."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headstart.core.errors import DataError, RunError
from headstart.data.read import read
from headstart.sources.recommending import Recommended
from headstart.verbs.model import Model
from headstart.verbs.recipe import RECIPE
from headstart.verbs.recipe import load as load_recipe


@dataclass(frozen=True)
class Recommendations:
    """The best items for one user, and what has to be said of the user."""

    items: tuple[Recommended, ...]
    titles: Mapping[str, str]
    """Of all items that reasons name."""
    notes: tuple[str, ...]


def recommend(
    model: Model,
    user: str | int | None = None,
    *,
    met: Sequence[str | int] = (),
    count: int = 10,
    histories: str | Path | None = None,
) -> Recommendations:
    """What `user` may like, from what the user met in the table that the run learned from, and in `met` since.

    Args:
        met: ids of more items, the earliest first.
        histories: another table of users and what they met.

    Raises:
        HeadstartError: the run does not recommend, or its table is gone.
    """
    if model.task.reader != "interactions":
        raise RunError(f"{model.folder} is a run of {model.task.kind}, which knows no users. Give files to predict.")
    known: list[str] = []
    notes: list[str] = []
    if user is not None:
        known, notes = _met_by(model, str(user), histories)
    since, catalogue = list(map(str, met)), set(model.labels)
    strange = [one for one in since if one not in catalogue]
    if strange:
        near = difflib.get_close_matches(strange[0], model.labels, n=3)
        notes.append(
            f"Not in the catalogue, and passed over: {', '.join(strange[:5])}."
            + (f" Did you mean {', '.join(near)}?" if near else "")
        )
    items = [*known, *(one for one in since if one not in known)]
    if not set(items) & catalogue:
        notes.append("Nothing is known of what this user met: these are the items that most others met.")
    found = model.source.recommend({"user": "" if user is None else str(user), "items": items}, count)
    named = {one for each in found for one in each.because}
    return Recommendations(tuple(found), {one: model.source.thing(one) for one in named}, tuple(notes))


def _met_by(model: Model, user: str, histories: str | Path | None) -> tuple[list[str], list[str]]:
    """What `user` met, and a note where nobody of that name is known."""
    recipe = load_recipe(model.folder / RECIPE)
    place = Path(histories or recipe.target).expanduser()
    if not place.is_file():
        raise DataError(
            f"{place}, from which the run learned what users met, is gone. Give the table: "
            f"headstart predict {model.folder.name} TABLE --user {user}"
        )
    table = read(
        place, reader=model.task.reader, labelled=False, user=recipe.user, content=recipe.content, time=recipe.time
    )
    users: Any = table.column("id").combine_chunks()
    row = users.index(user).as_py()
    if row < 0:
        near = difflib.get_close_matches(user, users.to_pylist(), n=3)
        return [], [f"{place.name} has no user '{user}'." + (f" Did you mean {', '.join(near)}?" if near else "")]
    return list(table.memory[row]["items"]), []
