"""Train, validation and test: in proportion, seeded, and never with one thing on both sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.core import fingerprints
from headstart.core.errors import DataError
from headstart.core.wording import counted
from headstart.data.carving import DROPPED, NAMES, TEST, TRAIN, VALIDATION, Carving, Parts
from headstart.data.checks import Checked
from headstart.data.duplicates import components
from headstart.data.strata import Strata, strata_of
from headstart.data.strata import subsample as subsample
from headstart.data.table import Examples, Quarantined, Table, marked, plain_values

USUAL_SHARE, ENOUGH = 0.2, 500
"""Of the examples to learn from, what is held out to choose by: this share, and no more than so many."""


class SealedTest:
    """The test examples. Their labels can be read only after `open`, which is counted."""

    def __init__(self, examples: Examples) -> None:
        self.examples = replace(examples, sealed=True)
        self.opened = 0

    def __len__(self) -> int:
        return len(self.examples)

    def open(self) -> Examples:
        self.opened += 1
        return replace(self.examples, sealed=False)


@dataclass(frozen=True)
class Splits:
    """The parts of a target; examples in the order of their ids."""

    train: Examples
    validation: Examples
    test: SealedTest
    fingerprint: str
    """Digest of ids, contents, labels and parts."""
    notes: tuple[str, ...]

    def part(self, name: str) -> Examples:
        """train, validation, fit (both of these) or test (sealed).

        Raises:
            DataError: no such part.
        """
        if name == "fit":
            both = np.concatenate([self.train.indices, self.validation.indices])
            order = _by_id(self.train.table)
            return replace(self.train, indices=order[np.isin(order, both)])
        parts = {"train": self.train, "validation": self.validation, "test": self.test.examples}
        if name not in parts:
            raise DataError(f"There is no part called '{name}'. Known: train, validation, fit, test.")
        return parts[name]


def split(checked: Checked, *, test: float = 0.25, validation: float | None = None, seed: int = 0) -> Splits:
    """Splits a checked table.

    Parts that the table gives are kept; what of train looks like or shares a group with the test is dropped.
    What is not given is drawn: `test` is a share of everything, `validation` a share of what remains then (by default
    a fifth, of at most ENOUGH examples: more would not choose better, and are missed in training).
    Classes stay in proportion, groups and look-alikes stay together, and every class is in train. With a
    column `time` nothing is
    drawn: the latest examples are the test, the latest of the others the validation. The result depends on
    contents, labels and seed, not on the order of rows.

    Raises:
        DataError: a class cannot be in train, or nothing remains to test.
    """
    _require_shares(test, validation or 0.0)
    table = checked.table
    strata = strata_of(table)
    ids = table.strings("id")
    order = np.array(sorted(range(len(table)), key=lambda row: (checked.keys[row], ids[row])), np.int64)
    units = _units(table, checked.clusters, order)
    parts, notes, dropped = _given(table, units)
    carve = Carving(table, strata, units, seed)
    if not (parts == TEST).any():
        parts = carve.carve(parts, TEST, test)
    if validation is None:
        validation = min(USUAL_SHARE, ENOUGH / max(1, int((parts == TRAIN).sum())))
    if not (parts == VALIDATION).any() and validation > 0:
        parts = carve.carve(parts, VALIDATION, validation)
    parts = _every_class_in_train(parts, strata, units, carve.fixed | (parts == DROPPED), table.has("time"))
    _require_test(parts, table)
    notes += _missing_notes(parts, strata)
    set_aside = tuple(Quarantined(ids[row], reason) for row, reason in dropped)
    table = replace(table, quarantine=table.quarantine + set_aside)
    return _assembled(table, checked.keys, parts, notes)


def _require_shares(test: float, validation: float) -> None:
    for name, share in (("test", test), ("validation", validation)):
        if not 0 <= share < 1 or (name == "test" and share == 0):
            raise DataError(f"A {name} share of {share:g} is not possible. Give a share between 0 and 1, such as 0.25.")


def _units(table: Table, clusters: NDArray[np.int64], order: NDArray[np.int64]) -> NDArray[np.int64]:
    """The unit (N,) of each row: what must stay together, because of look-alikes or of a shared group.
    Numbered in the order of first appearance in `order`, so that they do not depend on the order of rows."""
    links = [_first_of_same(clusters)]
    if table.has("group"):
        groups = table.column("group").combine_chunks().dictionary_encode().indices
        codes = groups.fill_null(-1).to_numpy(zero_copy_only=False)
        known = np.flatnonzero(codes >= 0)
        first = np.arange(len(table))
        first[known] = known[_first_of_same(codes[known])]
        links.append(first)
    rows = np.arange(len(table))
    labels = components(len(table), np.concatenate([rows] * len(links)), np.concatenate(links))
    _, where, inverse = np.unique(labels[order], return_index=True, return_inverse=True)
    rank = np.empty(len(where), np.int64)
    rank[np.argsort(where)] = np.arange(len(where))
    units = np.empty(len(table), np.int64)
    units[order] = rank[inverse]
    return units


def _first_of_same(codes: NDArray[Any]) -> NDArray[np.int64]:
    """For each entry the place of the first that equals it."""
    _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    return first[inverse].astype(np.int64)


def _given(table: Table, units: NDArray[np.int64]) -> tuple[Parts, list[str], list[tuple[int, str]]]:
    """The parts that the table gives (all train where it gives none), notes, and rows dropped with the
    reason."""
    parts = np.zeros(len(table), np.int64)
    if not table.has("split"):
        return parts, [], []
    parts = np.array([NAMES.index(name) for name in table.strings("split")], np.int64)
    if not (parts == TRAIN).any():
        raise DataError(
            f"{table.origin} has no training examples: its split says only "
            f"{' and '.join(sorted(set(table.strings('split'))))}. Add a part called train."
        )
    in_test = np.isin(units, np.unique(units[parts == TEST]))
    leaking = np.flatnonzero(in_test & (parts != TEST))
    witness = dict(zip(units[parts == TEST].tolist(), np.flatnonzero(parts == TEST).tolist(), strict=True))
    ids = table.column("id")
    dropped = [
        (int(row), f"it looks like, or shares a group with, the test example {ids[witness[int(units[row])]].as_py()}")
        for row in leaking
    ]
    parts[leaking] = DROPPED
    notes = []
    if dropped:
        notes.append(
            f"{counted(len(dropped), 'training example was', 'training examples were')} dropped for being like "
            "a test example as given, or of one group with it; the test stays as it is."
        )
    in_train = np.isin(units, np.unique(units[parts == TRAIN])) & (parts == VALIDATION)
    if in_train.any():
        parts[in_train] = TRAIN
        notes.append(
            f"{counted(int(in_train.sum()), 'validation example was', 'validation examples were')} moved to train "
            "for being like a training example, or of one group with it."
        )
    return parts, notes, dropped


def _every_class_in_train(
    parts: Parts, strata: Strata, units: NDArray[np.int64], fixed: NDArray[np.bool_], timed: bool
) -> Parts:
    """Moves the smallest unit of each class that is not in train into train."""
    if not strata.classes:
        return parts
    parts = parts.copy()
    for code in np.flatnonzero(strata.counts(parts == TRAIN) == 0):
        if strata.counts(parts == TRAIN)[code]:
            continue
        rows = strata.rows[strata.codes == code]
        movable = np.unique(units[rows[~fixed[rows] & (parts[rows] > TRAIN)]])
        if timed or not len(movable):
            why = "later than the training examples" if timed else "in the test, or look like it"
            raise DataError(
                f"The class '{strata.names[code]}' has no example to train on: all of them are "
                f"{why}. Add training examples of it, or take the class out."
            )
        sizes = np.bincount(units, minlength=int(units.max()) + 1)[movable]
        from_test = np.array([(parts[units == unit] == TEST).any() for unit in movable])
        unit = movable[np.lexsort((movable, sizes, from_test))[0]]
        parts[units == unit] = TRAIN
    return parts


def _require_test(parts: Parts, table: Table) -> None:
    if not (parts == TRAIN).any():
        raise DataError(f"{table.origin} has no training examples left beside the test. Add examples.")
    if not (parts == TEST).any():
        raise DataError(
            f"Nothing of {table.origin} remains to test on: its {len(parts)} examples are too "
            "few, or too many of them belong together. Add examples, of more than one group "
            "where there are groups."
        )


def _missing_notes(parts: Parts, strata: Strata) -> list[str]:
    if not strata.classes:
        return []
    absent = [strata.names[code] for code in np.flatnonzero(strata.counts(parts == TEST) == 0)]
    if not absent:
        return []
    return [
        "No test example of "
        f"{', '.join(map(repr, absent[:5]))}{f' and {len(absent) - 5} more' if len(absent) > 5 else ''}: "
        f"the receipt says nothing about {'it' if len(absent) == 1 else 'them'}."
    ]


def _by_id(table: Table) -> NDArray[np.int64]:
    """Rows (N,) in the order of their ids."""
    ids = table.strings("id")
    return np.array(sorted(range(len(ids)), key=ids.__getitem__), np.int64)


def _assembled(table: Table, keys: Sequence[str], parts: Parts, notes: Sequence[str]) -> Splits:
    order = _by_id(table)
    ids = table.strings("id")
    labels = [[marked(value) for value in plain_values(table.column(name))] for name in table.labels]
    mark = fingerprints.of_strings(
        f"{ids[row]}={keys[row]}={parts[row]}={[values[row] for values in labels]}" for row in order.tolist()
    )
    train, validation, test = (Examples(table, order[parts[order] == part], keys) for part in (TRAIN, VALIDATION, TEST))
    return Splits(train, validation, SealedTest(test), mark, tuple(notes))
