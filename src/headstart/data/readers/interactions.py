"""Ratings, purchases, plays: a table with a row for each time that a user met an item, and a table of the items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from headstart.core import seeds
from headstart.core.errors import DataError
from headstart.core.wording import counted
from headstart.data.contents import IN_MEMORY
from headstart.data.modalities.interactions import Places
from headstart.data.readers import Options
from headstart.data.readers.assemble import missing_column
from headstart.data.readers.catalogue import ids_of, items_table, read_table
from headstart.data.readers.numbers import floats
from headstart.data.table import Table

USER_NAMES = ("user", "user_id", "userid", "reviewer", "reviewer_id", "customer", "customer_id", "session", "member")
ITEM_NAMES = ("item", "item_id", "itemid", "book_id", "movie_id", "movieid", "product_id", "asin", "track_id", "book",
              "movie", "product", "track", "article", "article_id", "isbn")  # fmt: skip
RATING_NAMES = ("rating", "stars", "score", "overall", "count", "plays")
ORDER_NAMES = ("timestamp", "time", "date", "datetime", "order", "unix_time")
NEXT = "next item"
"""The column that is learned."""
FEWEST = 5
"""Items of a user of whom the last one is for the test, and the one before for validation."""
PARTS = ("train", "validation", "test")
TRAIN, VALIDATION, TEST = 0, 1, 2
SHARE_OF_TEST, SHARE_OF_VALIDATION = 0.25, 0.1
"""Of users, where those of the test are to be new ones and nothing else is said."""
SECONDS = (2e8, 4.1e9)
"""Since 1970, from 1976 to 2099: what numbers of times are taken to be."""
SHARE_OF_TIME = 0.1
"""Of all interactions, what the last stretch of time holds that is for the test."""


class Interactions:
    """Reads a table of interactions, and beside it one of items; never found by itself, since any table could be one.

    Of users with at least five items the last is for the test and the one before for validation; all earlier ones,
    and those of other users, are to learn from.
    """

    has_columns = True

    def recognises(self, path: Path) -> bool:
        del path
        return False

    def read(self, path: Path, options: Options) -> Table:
        met, notes = read_met(path, options)
        rows, parts = met.places(options) if options.labelled else met.ends()
        items, more = items_table(options.items, met.names, path)
        titles = {} if options.items is None else dict(zip(items.strings("id"), items.strings("title"), strict=True))
        contents = Places(met.users, met.starts, met.items, met.names, met.ratings, rows, titles)
        columns: dict[str, Any] = {
            "id": _ids(met, rows, options.labelled),
            "path": pa.array([IN_MEMORY] * len(rows), pa.string()),
            "member": pa.array(map(str, range(len(rows))), pa.string()),
        }
        if options.labelled:
            nexts = met.items[met.starts[rows[:, 0]] + rows[:, 1]]
            columns[NEXT] = pa.array([met.names[one] for one in nexts.tolist()], pa.string())
            columns["split"] = pa.array([PARTS[part] for part in parts.tolist()], pa.string())
        learned = (NEXT,) if options.labelled else ()
        told = about(met, items)
        return Table(
            pa.table(columns),
            str(path),
            "interactions",
            contents,
            learned,
            (),
            (*notes, *more),
            items=items,
            about=told,
        )


@dataclass(frozen=True)
class Met:
    """Who met what, in order; see `Places`."""

    users: Sequence[str]
    starts: NDArray[np.int64]
    items: NDArray[np.int32]
    names: Sequence[str]
    ratings: NDArray[np.float32] | None
    times: NDArray[Any] | None
    span: tuple[str, str] | None = None
    """The first and the last moment, as people write them."""
    repeats: int = 0
    """Rows that were left out, since their user had met the item before."""

    def ends(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Whole histories: what comes after them nobody knows."""
        return np.stack([np.arange(len(self.users)), np.diff(self.starts)], axis=1), np.zeros(len(self.users), np.int64)

    def places(self, options: Options) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Examples as (user, items before) (N, 2), and the part (N,) of each."""
        if options.new_users is not None:
            shares = options.test or SHARE_OF_TEST, options.validation or SHARE_OF_VALIDATION
            return self._new_users(options.new_users, *shares)
        if options.time is not None and self.times is not None:
            return self._by_time(self.times)
        lengths = np.diff(self.starts)
        held, others = np.flatnonzero(lengths >= FEWEST), np.flatnonzero(lengths < FEWEST)
        if not len(held):
            raise DataError(
                f"No user has at least {FEWEST} items, of which the last would be for the test. "
                "Give more of each user's history."
            )
        given = [(others, 1, TRAIN), (held, 3, TRAIN), (held, 2, VALIDATION), (held, 1, TEST)]
        rows = [np.stack([users, lengths[users] - back], axis=1) for users, back, _ in given]
        return np.concatenate(rows), np.repeat([part for *_, part in given], [len(one) for one in rows])

    def _new_users(self, shown: int, test: float, validation: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Some users, drawn by their ids, are for the test and for validation alone: what did they meet after the first
        `shown` items?"""
        lengths = np.diff(self.starts)
        drawn = np.array([seeds.derive(0, "new user", name) % 1000 / 1000 for name in self.users])
        parts = np.select([drawn < test, drawn < test + validation], [TEST, VALIDATION])
        if not (parts == TRAIN).any():
            raise DataError("No user is left to learn from. Give smaller shares with --test and --validation.")
        if not ((parts == TEST) & (lengths > shown)).any():
            raise DataError(f"No user who was drawn for the test has more than {shown} items. Show fewer of them.")
        kept = (parts == TRAIN) | (lengths > shown)
        before = np.where(parts == TRAIN, lengths - 1, shown)
        return np.stack([np.arange(len(parts)), before], axis=1)[kept], parts[kept]

    def _by_time(self, times: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Two moments for all users: what each met first after the later one is for the test, between the two for
        validation, and up to the earlier one to learn from."""
        early, late = np.quantile(times, [1 - 2 * SHARE_OF_TIME, 1 - SHARE_OF_TIME])
        owner = np.repeat(np.arange(len(self.users)), np.diff(self.starts))
        ends = [np.bincount(owner[times < moment], minlength=len(self.users)) for moment in (early, late)]
        counts = [(ends[0] - 1, TRAIN, ends[0]), (ends[0], VALIDATION, ends[1]), (ends[1], TEST, np.diff(self.starts))]
        some = [np.flatnonzero((before >= 0) & (before < end)) for before, _, end in counts]
        rows = [np.stack([users, before[users]], axis=1) for users, (before, *_) in zip(some, counts, strict=True)]
        return np.concatenate(rows), np.repeat([part for _, part, _ in counts], [len(one) for one in rows])


def read_met(path: Path, options: Options) -> tuple[Met, list[str]]:
    """The interactions in a file, by user and in order, and notes on what was left out.

    Raises:
        DataError: columns of users or items are missing, or nothing is left.
    """
    rows = read_table(path)
    user = _column(rows, options.user, USER_NAMES, "user", path)
    item = _column(rows, options.content, ITEM_NAMES, "item", path)
    rating = _column(rows, options.label, RATING_NAMES, "rating", path, needed=options.label is not None)
    order = _column(rows, options.time, ORDER_NAMES, "time", path, needed=options.time is not None)
    notes = []
    empty = rows.column(user).is_null().to_numpy() | rows.column(item).is_null().to_numpy()
    if empty.any():
        first = int(np.flatnonzero(empty)[0]) + 1
        left = counted(int(empty.sum()), "row was", "rows were")
        notes.append(f"{left} left out for want of a user or an item, the first of them row {first}.")
        rows = rows.filter(pa.array(~empty))
    if not rows.num_rows:
        raise DataError(f"{path} has no row with a user and an item.")
    users, user_codes = _codes(ids_of(rows.column(user)))
    names, item_codes = _codes(ids_of(rows.column(item)))
    moments = None if order is None else _moments(rows, order, path)
    by = np.arange(rows.num_rows) if moments is None else moments
    if moments is None:
        notes.append(
            f"{path.name} does not say when ({', '.join(ORDER_NAMES[:5])}): rows are taken in the order of the file."
        )
    place = np.lexsort((np.arange(rows.num_rows), by, user_codes))
    place = place[_first_meetings(user_codes[place], item_codes[place], len(names))]
    if (repeated := rows.num_rows - len(place)) > 0:
        told = counted(repeated, "row repeats", "rows repeat")
        notes.append(f"{told} an item of the same user; the first of each counts.")
    ratings = None if rating is None else floats(rows.column(rating), rating, str(path)).astype(np.float32)[place]
    if ratings is not None and (missing := int(np.isnan(ratings).sum())):
        told = counted(missing, "rating is", "ratings are")
        notes.append(f"{told} missing in '{rating}' and taken to be the mean of the others.")
        ratings = np.where(np.isnan(ratings), np.nanmean(ratings) if missing < len(ratings) else 0, ratings)
    if ratings is not None and len(np.unique(ratings)) == 1:
        notes.append(f"All ratings in '{rating}' are {ratings[0]:g}: they say that users met items, and no more.")
        ratings = None
    starts = np.searchsorted(user_codes[place], np.arange(len(users) + 1)).astype(np.int64)
    times = None if moments is None else moments[place]
    span = None if order is None else _span(rows.column(order))
    return Met(users, starts, item_codes[place].astype(np.int32), names, ratings, times, span, repeated), notes


def users_alone(path: Path, options: Options) -> list[str] | None:
    """The users that a table lists, in its order; None where it says what they met too.

    Raises:
        DataError: it has no column of users, or none in it.
    """
    rows = read_table(path)
    items = ITEM_NAMES if options.content is None else (options.content.lower(),)
    if _column(rows, None, items, "item", path, needed=False) is not None:
        return None
    users: list[str] = ids_of(rows.column(_column(rows, options.user, USER_NAMES, "user", path))).unique().to_pylist()
    if not any(users):
        raise DataError(f"{path} lists no user.")
    return [user for user in users if user]


def about(met: Met, items: Table) -> tuple[tuple[str, str], ...]:
    """How many met how much, how evenly, when, and what nobody has met."""
    lengths, popular = np.diff(met.starts), np.bincount(met.items, minlength=len(met.names))
    share = len(met.items) / (len(met.users) * len(met.names))
    few, middle, many = np.percentile(lengths, [5, 50, 95])
    seldom, rare = (int((counts < FEWEST).sum()) for counts in (lengths, popular))
    tenth = np.sort(popular)[::-1][: max(1, len(popular) // 10)].sum() / len(met.items)
    of_user = f"{middle:.0f} items in the middle, {few:.0f} to {many:.0f} of nine users in ten; {seldom:,} have fewer"
    of_item = f"{np.median(popular):.0f} users in the middle; {rare:,} have fewer than {FEWEST}, and the most met tenth"
    found = [
        ("users", f"{len(met.users):,}"),
        ("items", f"{len(met.names):,}"),
        ("interactions", f"{len(met.items):,}, {100 * share:.2g} % of all pairs of a user and an item"),
        ("of a user", f"{of_user} than {FEWEST}"),
        ("of an item", f"{of_item} has {100 * tenth:.0f} % of all interactions"),
        ("repeats", counted(met.repeats, "row", "rows")),
    ]
    if met.ratings is not None:
        found.append(
            ("ratings", f"{met.ratings.min():g} to {met.ratings.max():g}, {met.ratings.mean():.2f} on average")
        )
    if met.span is not None:
        found.append(("time", " to ".join(met.span)))
    if cold := len(items) - len(met.names):
        found.append(("never met", f"{counted(cold, 'item', 'items')} of {Path(items.origin).name}"))
    return tuple(found)


def _span(column: pa.ChunkedArray) -> tuple[str, str]:
    """The least and the largest value; numbers that look like seconds or milliseconds since 1970, as days."""
    least = pc.min_max(column).as_py()
    low, high = least["min"], least["max"]
    ends = _number(low), _number(high)
    fitting = (unit for unit in (1, 1000) if all(SECONDS[0] <= end / unit < SECONDS[1] for end in ends))
    unit = next(fitting, None)
    if unit is None:
        return str(low), str(high)
    first, last = (str(np.datetime64(int(end / unit), "s").astype("datetime64[D]")) for end in ends)
    return first, last


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) else -1.0


def _column(
    rows: pa.Table, asked: str | None, usual: Sequence[str], what: str, path: Path, needed: bool = True
) -> str | None:
    """The column asked for, or the first of the usual names, whatever their case.

    Raises:
        DataError: there is none, and one is needed.
    """
    if asked is not None:
        if asked not in rows.column_names:
            raise missing_column(str(path), asked, what, rows.column_names)
        return asked
    known = {name.lower(): name for name in rows.column_names}
    found = next((known[name] for name in usual if name in known), None)
    if found is None and needed and what in ("user", "item"):
        option = {"user": "--user", "item": "--content"}[what]
        raise DataError(
            f"{path} has no column of {what}s by a usual name ({', '.join(usual[:4])}, …); it has "
            f"{', '.join(rows.column_names)}. Call it {what}, or name it with {option} of adapt."
        )
    return found


def _codes(values: pa.Array) -> tuple[list[str], NDArray[np.int64]]:
    """The different ids, and the number (M,) of each row's."""
    encoded = values.dictionary_encode()
    return encoded.dictionary.to_pylist(), encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)


def _moments(rows: pa.Table, order: str, path: Path) -> NDArray[Any]:
    values = rows.column(order).combine_chunks()
    if values.null_count:
        row = int(np.flatnonzero(values.is_null().to_numpy(zero_copy_only=False))[0]) + 1
        raise DataError(f"Row {row} of {path} has no value in '{order}', by which items are in order. Fill it in.")
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):  # ISO dates are in order as texts
        values = values.dictionary_encode()
        rank = np.argsort(np.argsort(np.array(values.dictionary.to_pylist())))
        return np.asarray(rank[values.indices.to_numpy()], np.float64)
    if pa.types.is_temporal(values.type):
        values = values.cast(pa.int64() if values.type.bit_width == 64 else pa.int32())
    return np.asarray(values.to_numpy(zero_copy_only=False), np.float64)


def _first_meetings(users: NDArray[np.int64], items: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Of rows by user and in order, those in which a user meets an item for the first time."""
    _, first = np.unique(users * np.int64(count) + items, return_index=True)
    return np.sort(first)


def _ids(met: Met, rows: NDArray[np.int64], labelled: bool) -> pa.Array:
    if not labelled:
        return pa.array([str(met.users[user]) for user in rows[:, 0].tolist()], pa.string())
    return pa.array([f"{met.users[user]} after {count}" for user, count in rows.tolist()], pa.string())
