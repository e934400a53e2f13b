"""Tables of values over time as examples of forecasting: rows are windows, with what came after them as labels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from headstart.core.errors import DataError
from headstart.data.contents import IN_MEMORY
from headstart.data.modalities.series import past
from headstart.data.readers import Options
from headstart.data.readers.assemble import Draft
from headstart.data.readers.borders import borders_of, problem_of
from headstart.data.readers.events import event_column, is_clear, marks_of
from headstart.data.readers.histories import (
    PARTS,
    Histories,
    History,
    joined,
    read_histories,
    read_table,
    table_files,
)
from headstart.data.readers.upcoming import pasts_of, upcoming, without_coming
from headstart.data.table import LABEL, Quarantined, Table
from headstart.data.windows import (
    FIELDS,
    LEAST_PAST,
    MARKS,
    MOST,
    PRESENT,
    TEST,
    TRAIN,
    VALIDATION,
    Borders,
    Pasts,
    Windows,
    find_season,
    naive_error,
    seasonal_naive,
    starts,
    thinned,
)

COUNTS = re.compile(r"(\d+)/(\d+)/(\d+)")
"""A split by rows: to train, to choose by, to test."""
MANY_BLOCKS = 30
"""Blocks of time that single steps of a test are resampled in."""
NAMED = 3
"""Series that cannot be used above which messages name no more."""
BLOCKS = 10
"""Blocks of time below which intervals are drawn over series instead, where there are as many of these."""


class SeriesWindows:
    """Reads tables of values over time; never found by itself, since any table could be one."""

    has_columns = True

    def recognises(self, path: Path) -> bool:
        del path
        return False

    def read(self, path: Path, options: Options) -> Table:
        """The windows of a table file.

        Raises:
            DataError: it cannot be read, its times are not even, or it is too short; the message says what, and where.
        """
        assert options.windows is not None
        counts = COUNTS.fullmatch(options.split or "")
        found = joined([_histories(file, options, bool(counts)) for file in table_files(path)])
        given = tuple(int(count) for count in counts.groups()) if counts else None
        if not options.labelled:
            return upcoming(found, str(path), options.windows)
        return windows(found, str(path), options.windows, given)


def _histories(path: Path, options: Options, cut_by_rows: bool) -> Histories:
    assert options.windows is not None
    rows = read_table(path)
    known = "split" if options.split is None and "split" in rows.column_names else None
    event = event_column(rows.column_names, options, str(path)) if options.windows.each_step else None
    return read_histories(
        rows,
        str(path),
        time=options.time,
        series=options.windows.series,
        value=options.windows.value,
        split=None if cut_by_rows else options.split or known,
        event=event,
        known=options.windows.known,
    )


def windows(found: Histories, origin: str, wanted: Windows, counts: tuple[int, ...] | None = None) -> Table:
    """The windows of all series.

    Args:
        counts: rows of each series to train, to choose by and to test.

    Raises:
        DataError: no series is long enough.
    """
    if wanted.known:
        found = replace(found, series=tuple(map(without_coming, found.series)))
    kept: list[tuple[History, Borders]] = []
    quarantine: list[Quarantined] = []
    for one, borders in zip(found.series, borders_of(found, wanted, counts), strict=True):
        problem = problem_of(one, borders, wanted)
        if problem:
            quarantine.append(Quarantined(one.name or "the series", problem))
        else:
            kept.append((one, borders))
    if not kept:
        raise _nothing_to_learn(origin, quarantine)
    learned = [one.values[: borders.validation] for one, borders in kept]
    season = wanted.season or found.season or find_season(learned)
    seasons = [find_season([values]) for values in learned] if wanted.seasons_apart else []
    notes = [*found.notes, *_missing_note(kept)]
    if not wanted.season and season > 1:
        how = f"usual for steps of {found.step}" if found.season else "found in the training part"
        notes.append(f"Forecasts are compared with those of a season ago, {season} steps ({how}).")
    parts, places = [], []
    for part in (TRAIN, VALIDATION, TEST):
        every = [starts(borders, part, wanted.horizon, _least(borders, part, wanted, season)) for _, borders in kept]
        step, chosen = thinned(every, _most(part, wanted), wanted.stride if part != TRAIN else None, season)
        if step > 1:
            notes.append(f"Of the windows to {('train', 'choose by', 'test')[part]} every {_ordinal(step)} is used.")
        for row, of_series in enumerate(chosen):
            places += [(row, int(start)) for start in of_series]
            parts += [part] * len(of_series)
    found_there = np.array(places, np.int64), np.array(parts)
    pasts = pasts_of([one for one, _ in kept], found_there[0], wanted, seasons)
    table = _table(kept, *found_there, season, pasts, origin, wanted, quarantine, notes, found)
    return replace(table, about=about([one for one, _ in kept], found.step, season))


def _nothing_to_learn(origin: str, unusable: Sequence[Quarantined]) -> DataError:
    count = len(unusable)
    whose = f"none of its {count} can be used: " if count > 1 else ""
    told = "; ".join(f"{one.id}: {one.reason}" for one in unusable[:NAMED])
    more = f"; and {count - NAMED} more" if count > NAMED else ""
    return DataError(
        f"{origin} has no series to learn from: {whose}{told}{more}. Mend or lengthen what is given, or name another "
        "column of values with --value."
    )


def about(series: Sequence[History], step: str, season: int) -> tuple[tuple[str, str], ...]:
    """How many series there are, how long, from when to when, and between which values."""
    lengths = sorted(len(one.values) for one in series)
    of_step = f" of {step}" if step else ""
    span = f"{lengths[0]:,}" if lengths[0] == lengths[-1] else f"{lengths[0]:,} to {lengths[-1]:,}"
    told = [("series", f"{len(series):,}, {span} steps{of_step} long")]
    dated = [one for one in series if one.times is not None and one.times.dtype.kind == "M"]
    if dated:
        ends = min(one.when(0) for one in dated), max(one.when(len(one.values) - 1) for one in dated)
        told.append(("times", " to ".join(ends)))
    if season > 1:
        told.append(("season", f"{season} steps"))
    low, high = (float(end([end(one.values) for one in series])) for end in (np.nanmin, np.nanmax))
    told.append(("values", f"{low:.5g} to {high:.5g}"))
    events = [one.events for one in series if one.events is not None]
    if events:
        begun = sum(int((np.diff(marks.astype(np.int8), prepend=0) == 1).sum()) for marks in events)
        told.append(("events", f"{begun:,}, {sum(int(marks.sum()) for marks in events):,} steps in all"))
    return tuple(told)


def _least(borders: Borders, part: int, wanted: Windows, season: int) -> int:
    """Steps that go ahead of the first window: a season where there is room for it."""
    room = borders.of(part)[1] - wanted.horizon
    return max(LEAST_PAST, min(season, room))


def _most(part: int, wanted: Windows) -> int:
    return wanted.most if part == TRAIN and wanted.most else MOST[part]


def _table(
    kept: Sequence[tuple[History, Borders]],
    places: NDArray[np.int64],
    parts: NDArray[np.int64],
    season: int,
    pasts: Pasts,
    origin: str,
    wanted: Windows,
    quarantine: list[Quarantined],
    notes: list[str],
    found: Histories,
) -> Table:
    marks = marks_of([one for one, _ in kept]) if wanted.each_step else None
    moments = [_moments(one.values, borders, season) for one, borders in kept]
    cells = np.empty((len(places), wanted.horizon + (len(MARKS) if marks else 0) + len(FIELDS)))
    usable, unclear = np.ones(len(places), bool), 0
    for row, (series, start) in enumerate(places.tolist()):
        ahead = kept[series][0].values[start : start + wanted.horizon]
        behind = pasts[row]
        if np.isnan(np.asarray(behind)).all() or np.isnan(ahead).mean() > 1 - PRESENT:
            usable[row] = False
            continue
        of_stretch = marks[series][start : start + wanted.horizon] if marks else np.empty((1, 0))
        if marks and not is_clear(of_stretch, bool(parts[row] == TEST)):
            usable[row], unclear = False, unclear + 1
            continue
        values, level, scale = past(behind)
        naive = float(np.nanmean(np.abs(ahead - seasonal_naive(values, wanted.horizon, season))))
        cells[row] = [
            *ahead,
            *of_stretch[-1],
            start - kept[series][1].test,
            level,
            scale,
            *moments[series],
            naive,
            season,
        ]
    if unclear:
        notes.append(f"{unclear} steps of events before the test, or just after events, are not used.")
    if missing := int((~usable).sum()) - unclear:
        notes.append(f"{missing} windows have too many missing values and are not used.")
    places, parts, cells = places[usable], parts[usable], cells[usable]
    if not (parts == TRAIN).any() or not (parts == TEST).any():
        raise DataError(
            f"{origin} has no window to {'learn from' if (parts == TEST).any() else 'test on'}: its series are too "
            f"short to tell {wanted.horizon} steps. Give longer series, or a shorter --horizon."
        )
    if marks and not cells[parts == TEST, wanted.horizon].any():
        raise DataError(
            f"{origin} has no anomaly in its test part, the last {(parts == TEST).sum():,} steps, so alarms cannot be "
            "judged. Make the test longer, such as --test 0.6, or mark anomalies there."
        )
    names = [kept[series][0] for series in places[:, 0].tolist()]
    starts_at = (
        places[:, 1] + (wanted.horizon - 1 if marks else 0)
    ).tolist()  # ids sort by time, so that blocks of examples are blocks of time
    ids = [f"{one.when(start)} {one.name}".strip() for one, start in zip(names, starts_at, strict=True)]
    columns = {
        LABEL: pa.FixedSizeListArray.from_arrays(pa.array(cells.ravel()), cells.shape[1]),
        "split": pa.array(np.array(PARTS)[parts]),
        "group": _groups(kept, places, parts, _block(parts, wanted), found.dated),
    }
    draft = Draft(ids, [IN_MEMORY] * len(ids), [str(row) for row in range(len(ids))], columns)
    return draft.table(origin, "series", (LABEL,), quarantine, notes, memory=pasts.only(usable))


def _block(parts: NDArray[np.int64], wanted: Windows) -> int:
    """Steps of a block of time."""
    return max(1, int((parts == TEST).sum()) // MANY_BLOCKS) if wanted.each_step else wanted.horizon


def _moments(values: NDArray[np.float64], borders: Borders, season: int) -> tuple[float, float, float]:
    """The unit of errors, mean and deviation of the part of a series that is known before the test; of the training
    part alone, where it is long."""
    learned = values[: borders.validation] if borders.validation > 2 * season + 2 else values[: borders.test]
    whole = values[: borders.test]  # errors are measured in units of all that went before, as in competitions
    return naive_error(whole, season), float(np.nanmean(learned)), float(np.nanstd(learned)) or 1.0


def _groups(
    kept: Sequence[tuple[History, Borders]],
    places: NDArray[np.int64],
    parts: NDArray[np.int64],
    horizon: int,
    dated: bool,
) -> pa.Array:
    """What is resampled together, apart for each part: blocks of time as long as a horizon, which all series share
    where they share their dates; series, where there are more of these than blocks."""
    series, start = places.T
    if dated:
        offsets = np.array([one.times[0].astype(np.int64) for one, _ in kept if one.times is not None])
        step = min((int(np.median(np.diff(one.times).astype(np.int64))) for one, _ in kept if one.times is not None))
        start = start + ((offsets - offsets.min()) // step)[series]
    blocks = start // max(1, horizon)
    many = len(np.unique(blocks[parts == TEST]))
    by_series = many < BLOCKS and len(kept) > many
    names = [f"{PARTS[part]} {one}" for part, one in zip(parts, series if by_series else blocks, strict=True)]
    return pa.array(names, pa.string())


def _missing_note(kept: Sequence[tuple[History, Borders]]) -> list[str]:
    missing = sum(int(np.isnan(one.values).sum()) for one, _ in kept)
    total = sum(len(one.values) for one, _ in kept)
    if not missing:
        return []
    return [
        f"{missing:,} of {total:,} values are missing: in the past they are taken from the line between neighbours, "
        "among the values to be told they are not counted."
    ]


def _ordinal(number: int) -> str:
    return {2: "second", 3: "third"}.get(number, f"{number}th")
