"""What to show users, and why."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from headstart.core.errors import DataError, RecipeError, RunError
from headstart.core.progress import progress
from headstart.data.read import read
from headstart.data.readers import Options
from headstart.data.readers.interactions import users_alone
from headstart.sources.recommending import Recommended
from headstart.verbs.model import Model
from headstart.verbs.recipe import RECIPE
from headstart.verbs.recipe import load as load_recipe

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Recommendations:
    """The best items for one user, and what has to be said of the user."""

    user: str
    """Empty for somebody of whom only items are known."""
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
    _require_some(count)
    if not knows_users(model):
        raise RunError(f"{model.folder} is a run of {model.task.kind}, which knows no users. Give files to predict.")
    if user is None:
        return _best(model, "", [], met, count)
    known, user = _Histories(model, histories, f"--user {user}"), str(user)
    notes = [note + _near(user, known.row) for note in known.notes(user)]
    return _best(model, user, known.of(user), met, count, notes)


def recommend_to_all(model: Model, table: str | Path, *, count: int = 10) -> list[Recommendations]:
    """What each user of `table` may like, by what they met: as it says, or where it only lists them, as the run knows.

    Raises:
        HeadstartError: the table cannot be read, or that of the run is gone.
    """
    _require_some(count)
    recipe = load_recipe(model.folder / RECIPE)
    users = users_alone(Path(table).expanduser(), Options(user=recipe.user, content=recipe.content))
    known = _Histories(model, table if users is None else None, "--user ID")
    users = users or list(known.row)
    found = []
    with progress("Recommendations", len(users)) as advance:
        for user in users:
            found.append(_best(model, user, known.of(user), (), count, known.notes(user)))
            advance(1)
    return found


def knows_users(model: Model) -> bool:
    return model.task.reader == "interactions"


def table_of(found: Sequence[Recommendations]) -> pa.Table:
    """A row for each user and rank: user, rank, id, title, score, and the ids of items `because` of which."""
    import pyarrow as pa

    rows = [
        {"user": one.user, "rank": rank, **asdict(item), "because": list(item.because)}
        for one in found
        for rank, item in enumerate(one.items, 1)
    ]
    return pa.Table.from_pylist(rows)


def _require_some(count: int) -> None:
    if count < 1:
        raise RecipeError(f"--top is {count}: it should be at least 1, the number of items to recommend.")


def _best(
    model: Model,
    user: str,
    known: Sequence[str],
    met: Sequence[str | int],
    count: int,
    notes: Sequence[str] = (),
) -> Recommendations:
    catalogue = set(model.labels)
    told = list(notes)
    items = list(dict.fromkeys([*known, *map(str, met)]))
    if strange := [one for one in items if one not in catalogue]:
        near = _near(strange[0], model.labels) if met else ""
        told.append(f"Not in the catalogue, and passed over: {', '.join(strange[:5])}.{near}")
    if len(strange) == len(items):
        told.append(f"Nothing is known of what {user or 'this user'} met: these are shown to whoever is new.")
    found = model.source.recommend({"user": user, "items": items}, count)
    named = {one for each in found for one in each.because}
    return Recommendations(user, tuple(found), {one: model.source.thing(one) for one in named}, tuple(told))


class _Histories:
    """What the users of a table met."""

    def __init__(self, model: Model, histories: str | Path | None, asked: str) -> None:
        recipe = load_recipe(model.folder / RECIPE)
        self.place = Path(histories or recipe.target).expanduser()
        if not self.place.is_file():
            raise DataError(
                f"There is no {self.place} here, from which the run learned what users met. Predict from the folder in "
                f"which it was learned, or give the table: headstart predict {model.folder} TABLE {asked}"
            )
        self.table = read(
            self.place,
            reader=model.task.reader,
            labelled=False,
            user=recipe.user,
            content=recipe.content,
            time=recipe.time,
        )
        self.row = {name: row for row, name in enumerate(self.table.strings("id"))}

    def of(self, user: str) -> list[str]:
        """Ids, the earliest first; none of somebody who is not known."""
        return list(self.table.memory[self.row[user]]["items"]) if user in self.row else []

    def notes(self, user: str) -> list[str]:
        return [] if user in self.row else [f"{self.place.name} has no user '{user}'."]


def _near(name: str, known: Collection[str]) -> str:
    """A question to who typed an id, whether another was meant; of numbers, any is near some other. Tables have too
    many to ask of each."""
    if name.isdecimal():
        return ""
    near = difflib.get_close_matches(name, known, n=3)
    return f" Did you mean {', '.join(near)}?" if near else ""
