"""Drawing a part from the training rows: in proportion and seeded, or the latest, always in whole units."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from headstart.core import seeds
from headstart.core.errors import DataError
from headstart.data.strata import Strata
from headstart.data.table import Table

TRAIN, VALIDATION, TEST, DROPPED = 0, 1, 2, -1
NAMES = ("train", "validation", "test")
Parts = NDArray[np.int64]
"""(N,) TRAIN, VALIDATION, TEST or DROPPED for each row."""


class Carving:
    """Takes a share of the training rows for another part, in whole units."""

    def __init__(self, table: Table, strata: Strata, units: NDArray[np.int64], seed: int) -> None:
        self._table, self._strata, self._units, self._seed = table, strata, units, seed
        given = table.strings("split") if table.has("split") else [""] * len(table)
        self.fixed = np.array([name == "test" for name in given], bool)
        """(N,) rows that stay where the user put them."""
        self._times = _times(table) if table.has("time") else None

    def carve(self, parts: Parts, part: int, share: float) -> Parts:
        train = parts == TRAIN
        if self._times is not None:
            taken = self._latest(train, share, self._times)
        else:
            taken = self._in_proportion(train, part, share)
        parts = parts.copy()
        parts[train & np.isin(self._units, taken)] = part
        return parts

    def _in_proportion(self, train: NDArray[np.bool_], part: int, share: float) -> NDArray[np.int64]:
        """The units to take: in random order and the largest first, each is taken when that brings the counts of
        its strata nearer to the share wanted (after Sechidis et al. 2011, for whole groups)."""
        units = np.where(train, self._units, -1)
        count = int(self._units.max()) + 1
        matrix = self._strata.by_unit(units, count)
        here = np.unique(units[train])
        totals = np.asarray(matrix.sum(axis=0)).ravel().astype(float)
        wanted = share * totals
        if part == TEST:  # a class that can be tested is tested
            present = np.asarray((matrix > 0).sum(axis=0)).ravel()
            wanted = np.where(present > 1, np.maximum(wanted, 1.0), wanted)
        sizes = np.bincount(units[train], minlength=count)
        random = here[seeds.generator(self._seed, "split", NAMES[part]).permutation(len(here))]
        order = random[np.argsort(-sizes[random], kind="stable")]
        chosen = _greedy(matrix, order, sizes, wanted, np.maximum(totals, 1.0), share * int(train.sum()))
        return chosen if len(chosen) or len(order) < 2 else order[-1:]

    def _latest(self, train: NDArray[np.bool_], share: float, times: NDArray[np.float64]) -> NDArray[np.int64]:
        """The units whose latest example is among the latest `share` of rows; equal times stay together."""
        latest = np.full(int(self._units.max()) + 1, -np.inf)
        np.maximum.at(latest, self._units[train], times[train])
        of_rows = latest[self._units[train]]
        instants = np.unique(of_rows)
        if len(instants) < 2:
            raise DataError(
                f"{self._table.origin} cannot be split by time: all remaining examples have one "
                "time. Leave out --time, or give a split column."
            )
        later = np.array([(of_rows >= instant).sum() for instant in instants[1:]])
        cut = instants[1:][np.argmin(np.abs(later - share * len(of_rows)))]
        return np.unique(self._units[train][of_rows >= cut])


def _greedy(
    matrix: csr_matrix,
    order: NDArray[np.int64],
    sizes: NDArray[np.int64],
    wanted: NDArray[np.float64],
    totals: NDArray[np.float64],
    rows_wanted: float,
) -> NDArray[np.int64]:
    """The units, in `order`, whose taking lowers the sum over strata of (taken − wanted)² / total. Units of several
    rows must also lower the same for the number of rows: large groups would otherwise overshoot it."""
    starts, codes, numbers = matrix.indptr.tolist(), matrix.indices.tolist(), matrix.data.tolist()
    weights, targets, taken_of = (1.0 / totals).tolist(), wanted.tolist(), [0.0] * len(totals)
    size_of, rows_taken = sizes.tolist(), 0
    taken: list[int] = []
    for unit in order.tolist():
        entries = [(codes[entry], numbers[entry]) for entry in range(starts[unit], starts[unit + 1])]
        change = sum(
            weights[code] * number * (2 * (taken_of[code] - targets[code]) + number) for code, number in entries
        )
        too_many = size_of[unit] > 1 and rows_taken + size_of[unit] / 2 > rows_wanted
        if change < 0 and not too_many:
            taken.append(unit)
            rows_taken += size_of[unit]
            for code, number in entries:
                taken_of[code] += number
    return np.array(taken, np.int64)


def _times(table: Table) -> NDArray[np.float64]:
    """Times (N,) as numbers whose order is that of time.

    Raises:
        DataError: a value is missing or no time.
    """
    column = table.column("time")
    missing = np.flatnonzero(column.is_null().to_numpy())
    if len(missing):
        raise DataError(f"{table.column('id')[int(missing[0])].as_py()} has no time. Fill it in, or leave out --time.")
    for steps in ((pa.float64(),), (pa.timestamp("us"), pa.int64(), pa.float64())):
        cast = _cast(column, steps)
        if cast is not None:
            return np.asarray(cast.to_numpy(), np.float64)
    raise DataError(
        f"The times of {table.origin}, such as '{column[0].as_py()}', are neither numbers nor "
        "dates. Write them like 2024-05-31 or 2024-05-31 12:00:00."
    )


def _cast(column: pa.ChunkedArray, steps: Sequence[pa.DataType]) -> pa.ChunkedArray | None:
    """`column` as each of the types in turn; None where a value does not allow it."""
    try:
        for kind in steps:
            column = column.cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None
    return column
