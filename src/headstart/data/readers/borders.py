"""Where the parts of series begin and end: what is learned from comes first, what is tested on last."""

from __future__ import annotations

import numpy as np

from headstart.data.readers.histories import NO_PART, PARTS, Histories, History
from headstart.data.windows import LEAST_PAST, TEST, VALIDATION, Borders, Windows

USUAL_SHARE = 0.2
"""Of the steps before the test, to choose by."""


def borders_of(found: Histories, wanted: Windows, counts: tuple[int, ...] | None) -> list[Borders]:
    """Of each series: as asked for, as its table says, or the latest shares of steps, which dated series share.

    Args:
        counts: rows of each series to train, to choose by and to test.
    """
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
    longest = test if wanted.each_step else 2 * wanted.horizon  # two windows of a short series are to choose by
    return Borders(test - max(min(round(share * test), longest), shortest), test, end)


def problem_of(one: History, borders: Borders, wanted: Windows) -> str:
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
