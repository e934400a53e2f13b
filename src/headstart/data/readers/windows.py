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
from headstart.data.readers.histories import (
    NO_PART,
    PARTS,
    Histories,
    History,
    joined,
    read_histories,
    read_table,
    table_files,
)
from headstart.data.readers.steps import event_column, every_step, is_clear, marks_of
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
    Steps,
    Windows,
    find_season,
    naive_error,
    seasonal_naive,
    starts,
    thinned,
)

COUNTS = re.compile(r"(\d+)/(\d+)/(\d+)")
"""A split by rows: to train, to choose by, to test."""
USUAL_SHARE = 0.2
MANY_BLOCKS = 30
"""Blocks of time that single steps of a test are resampled in."""
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


def upcoming(found: Histories, origin: str, wanted: Windows) -> Table:
    """One row a series: its latest values, after which is to be told. Or one row a step, with what goes ahead of it."""
    if wanted.each_step:
        return every_step(found, origin, wanted)
    ids = [one.name or "series" for one in found.series]
    ends = np.array([(row, _end(one, wanted)) for row, one in enumerate(found.series)], np.int64)
    pasts = _pasts(found.series, ends, wanted)
    draft = Draft(ids, [IN_MEMORY] * len(ids), [str(row) for row in range(len(ids))], {})
    return draft.table(origin, "series", (), (), found.notes, memory=pasts)


def _end(one: History, wanted: Windows) -> int:
    """Steps of a series after which is to be told: those ahead of the rows without a value, of which more is known.

    Raises:
        DataError: there are too few of these.
    """
    if not wanted.known:
        return len(one.values)
    end = _last(one)
    if len(one.values) - end < wanted.horizon:
        raise DataError(
            f"{one.name or 'The series'} has {len(one.values) - end} rows without a value at its end, and "
            f"{wanted.horizon} steps are to be told. Add a row for each of them, with {', '.join(wanted.known)} "
            "filled in and the value left empty."
        )
    return end


def _last(one: History) -> int:
    """How many steps there are up to the last with a value."""
    there = np.flatnonzero(~np.isnan(one.values))
    return int(there[-1]) + 1 if len(there) else 0


def _without_coming(one: History) -> History:
    """A series without the rows at its end that have no value."""
    end = _last(one)
    return replace(
        one,
        values=one.values[:end],
        times=None if one.times is None else one.times[:end],
        parts=None if one.parts is None else one.parts[:end],
        known=None if one.known is None else one.known[:end],
    )


def windows(found: Histories, origin: str, wanted: Windows, counts: tuple[int, ...] | None = None) -> Table:
    """The windows of all series.

    Args:
        counts: rows of each series to train, to choose by and to test.

    Raises:
        DataError: no series is long enough.
    """
    if wanted.known:
        found = replace(found, series=tuple(map(_without_coming, found.series)))
    kept: list[tuple[History, Borders]] = []
    quarantine: list[Quarantined] = []
    for one, borders in zip(found.series, _borders(found, wanted, counts), strict=True):
        problem = _problem(one, borders, wanted)
        if problem:
            quarantine.append(Quarantined(one.name or "the series", problem))
        else:
            kept.append((one, borders))
    if not kept:
        first = quarantine[0]
        raise DataError(f"{origin} has no series to learn from: {first.id}: {first.reason}.")
    learned = [one.values[: borders.validation] for one, borders in kept]
    season = wanted.season or found.season or find_season(learned)
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
    return _table(kept, np.array(places, np.int64), np.array(parts), season, origin, wanted, quarantine, notes, found)


def _borders(found: Histories, wanted: Windows, counts: tuple[int, ...] | None) -> list[Borders]:
    if counts is not None:
        train, validation, test = counts
        return [Borders(train, train + validation, train + validation + test) for _ in found.series]
    if found.series[0].parts is not None:
        return [_given(one, wanted) for one in found.series]
    if not found.dated:
        return [_shared(len(one.values), wanted) for one in found.series]
    every = np.unique(np.concatenate([one.times for one in found.series if one.times is not None]))
    common = _shared(len(every), wanted)
    moments = [every[min(place, len(every) - 1)] for place in (common.validation, common.test)]
    times = [one.times for one in found.series if one.times is not None]
    where = [np.searchsorted(one, moments).tolist() for one in times]
    return [Borders(first, second, len(one)) for (first, second), one in zip(where, times, strict=True)]


def _shared(length: int, wanted: Windows) -> Borders:
    """The latest share of steps for the test, the latest of the others to choose by; of each at least a horizon, where
    there are as many."""
    test = max(0, length - max(round(wanted.test * length), wanted.horizon))
    share = USUAL_SHARE if wanted.validation is None else wanted.validation
    return Borders(max(0, test - max(round(share * test), wanted.horizon)), test, length)


def _given(one: History, wanted: Windows) -> Borders:
    """As the table says. What is to choose by is taken from the end of train where it gives none."""
    assert one.parts is not None
    where = [np.flatnonzero(one.parts == part) for part in range(len(PARTS))]
    test = int(where[TEST][0]) if len(where[TEST]) else len(one.values)
    end = int(where[TEST][-1]) + 1 if len(where[TEST]) else len(one.values)
    if len(where[VALIDATION]):
        return Borders(int(where[VALIDATION][0]), test, end)
    share = USUAL_SHARE if wanted.validation is None else wanted.validation
    shortest = min(wanted.horizon, max(0, test - LEAST_PAST - wanted.horizon))
    return Borders(test - max(min(round(share * test), 2 * wanted.horizon), shortest), test, end)


def _problem(one: History, borders: Borders, wanted: Windows) -> str:
    """Why no window of a series can be used; empty when some can."""
    values, shortest = one.values, wanted.horizon + LEAST_PAST
    if borders.end > len(values):
        return f"it has {len(values)} steps, and the split asks for {borders.end}"
    if one.parts is not None and (np.diff(one.parts[one.parts != NO_PART]) < 0).any():
        return "its parts are mixed in time: training rows come after rows to test on"
    if borders.test < shortest:
        return (
            f"its {len(values)} steps are too few to learn to tell {wanted.horizon} from and to test that: "
            "give longer series, or a shorter --horizon"
        )
    if borders.end - borders.test < wanted.horizon:
        return f"its test part has {borders.end - borders.test} steps, and {wanted.horizon} are to be told"
    learned = values[: borders.validation if borders.validation > 1 else borders.test]
    if np.isnan(learned).all():
        return "it has no value in its training part"
    if np.nanmax(learned) == np.nanmin(learned):
        return f"it is constant in its training part: always {np.nanmax(learned):g}"
    return ""


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
    origin: str,
    wanted: Windows,
    quarantine: list[Quarantined],
    notes: list[str],
    found: Histories,
) -> Table:
    pasts = _pasts([one for one, _ in kept], places, wanted)
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
    remaining = _pasts([one for one, _ in kept], places, wanted)
    return draft.table(origin, "series", (LABEL,), quarantine, notes, memory=remaining)


def _pasts(series: Sequence[History], places: NDArray[np.int64], wanted: Windows) -> Pasts:
    values = [one.values for one in series]
    if wanted.each_step:
        return Steps(values, places, wanted.context, wanted.horizon)
    known = [one.known for one in series if one.known is not None]
    return Pasts(values, places, wanted.context, known, wanted.horizon)


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
