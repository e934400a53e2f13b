"""What a split keeps in proportion: classes, labels of several-label examples, questions with an answer, or bins of
numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from headstart.core import seeds
from headstart.data.answers import TYPE as ANSWERS
from headstart.data.answers import is_cell, kind_of
from headstart.data.table import LABEL, Examples, Table, holds_rows

BINS = 10
NO_LABEL = "(no label)"
_FEW_VALUES = 20


@dataclass(frozen=True)
class Strata:
    """Which example counts for which stratum."""

    names: tuple[str, ...]
    rows: NDArray[np.int64]
    """(M,) row of each membership; a row of several labels has several."""
    codes: NDArray[np.int64]
    """(M,) its stratum, as a position in `names`."""
    classes: bool
    """Whether strata are classes, each of which has to be learned (and not bins of numbers)."""

    def counts(self, mask: NDArray[np.bool_]) -> NDArray[np.int64]:
        """(S,) examples of each stratum among the rows where `mask` (N,) is true."""
        return np.bincount(self.codes[mask[self.rows]], minlength=len(self.names)).astype(np.int64)

    def by_unit(self, units: NDArray[np.int64], count: int) -> csr_matrix:
        """(U, S) examples of each stratum in each unit; `units` (N,) is the unit of a row, −1 for none."""
        chosen = units[self.rows] >= 0
        shape = (count, len(self.names))
        entries = (np.ones(int(chosen.sum()), np.int64), (units[self.rows[chosen]], self.codes[chosen]))
        matrix = csr_matrix(entries, shape=shape)
        matrix.sum_duplicates()
        return matrix


def strata_of(table: Table) -> Strata:
    """Strata by the first label column; one stratum for all where there is none, or where labels are written texts."""
    count = len(table)
    if table.written or not table.labels or not table.has(table.labels[0]):
        return Strata(("all",), np.arange(count), np.zeros(count, np.int64), False)
    column = table.column(table.labels[0])
    if holds_rows(column.type):
        return Strata(("all",), np.arange(count), np.zeros(count, np.int64), False)
    if pa.types.is_list(column.type):
        return _of_lists(column.to_pylist())
    if column.type == ANSWERS:
        return _of_values([kind_of(cell) for cell in column.to_pylist()], False)
    if pa.types.is_string(column.type):
        return _of_values([str(value) for value in column.to_pylist()], True)
    numbers = column.to_numpy()
    distinct = np.unique(numbers)
    if len(distinct) <= _FEW_VALUES or (numbers.dtype.kind in "iu" and 5 * len(distinct) <= count):
        return _of_values([str(value) for value in numbers.tolist()], False)
    edges = np.unique(np.quantile(numbers, np.linspace(0, 1, BINS + 1)[1:-1]))
    codes = np.searchsorted(edges, numbers, side="right").astype(np.int64)
    names = tuple(f"bin {place + 1}" for place in range(len(edges) + 1))
    return Strata(names, np.arange(count), codes, False)


def subsample(
    examples: Examples, *, per_class: int | None = None, total: int | None = None, seed: int = 0, column: str = LABEL
) -> Examples:
    """Fewer of `examples`: at most `per_class` of each class, or `total` in the proportions of the classes
    (one of each class first). Nested: a smaller budget with the same seed is a subset of a larger one.

    A row of several labels belongs to its set of labels, a question to those with or without an answer. Numbers are
    one class.
    """
    values: list[Any] = examples.labels(column)
    numeric = any(isinstance(value, (float, np.ndarray)) for value in values)
    names = ["all" if numeric else _name_of(value) for value in values]
    keys, ids = examples.content_keys(), examples.ids()
    canonical = sorted(range(len(names)), key=lambda place: (keys[place], ids[place]))
    random = seeds.generator(seed, "subsample").permutation(len(names))
    members: dict[str, list[int]] = {}
    for place in (canonical[drawn] for drawn in random):
        members.setdefault(names[place], []).append(place)
    if per_class is not None:
        chosen = [place for name in members for place in members[name][:per_class]]
    else:
        ranked = [
            (-1.0 if rank == 0 else (rank + 0.5) / len(members[name]), name, place)
            for name in sorted(members)
            for rank, place in enumerate(members[name])
        ]
        chosen = [place for _, _, place in sorted(ranked)[:total]]
    return examples.take(np.array(sorted(chosen), np.int64))


def _name_of(value: Any) -> str:
    if is_cell(value):
        return kind_of(value)
    return str(sorted(set(value)) if isinstance(value, list) else value)


def _of_values(values: list[str], classes: bool) -> Strata:
    names, codes = np.unique(np.array(values, dtype=object).astype(str), return_inverse=True)
    return Strata(tuple(names.tolist()), np.arange(len(values)), codes.astype(np.int64), classes)


def _of_lists(values: list[list[str] | None]) -> Strata:
    names = tuple(sorted({label for labels in values for label in labels or (NO_LABEL,)}))
    code = {name: place for place, name in enumerate(names)}
    pairs = [(row, code[label]) for row, labels in enumerate(values) for label in sorted(set(labels or (NO_LABEL,)))]
    rows, codes = np.array(pairs, np.int64).reshape(-1, 2).T
    return Strata(names, rows, codes, True)
