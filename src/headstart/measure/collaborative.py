"""What users met, and what follows from it in closed form: popularity, ItemKNN, EASE, and the ridge to what comes next.

Items are numbers from 0; a history is the items that one user met, in order.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse
from scipy.sparse import linalg as sparse_linalg

Matrix = NDArray[np.float32]

LAGS = 50
"""How many items back a history is read to say what comes next."""
NEXT = (1.0, 0.5, 0.25, 0.125)
"""How much the next item counts as what followed, and those after it."""


@dataclass(frozen=True)
class Histories:
    """What U users met, one after the other."""

    starts: NDArray[np.int64]
    """(U + 1,): where each user's items begin, and the end."""
    items: NDArray[np.int64]
    """(M,)"""
    catalogue: int
    """How many items there are, K."""
    people: Matrix | None = None
    """(U, D): what is known of each user from elsewhere; zeros where nothing is."""

    @staticmethod
    def of(histories: Iterable[NDArray[np.int64]], catalogue: int, people: Matrix | None = None) -> Histories:
        listed = list(histories)
        starts = np.cumsum([0, *map(len, listed)]).astype(np.int64)
        items = np.concatenate(listed).astype(np.int64) if listed else np.zeros(0, np.int64)
        return Histories(starts, items, catalogue, people)

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def places(self) -> NDArray[np.int64]:
        """(M,): how many items of the same user came before each."""
        return np.arange(len(self.items)) - np.repeat(self.starts[:-1], np.diff(self.starts))

    def part(self, first: int, last: int) -> Histories:
        """The users from `first` to before `last`."""
        starts = self.starts[first : min(last, len(self)) + 1]
        people = None if self.people is None else self.people[first:last]
        return Histories(starts - starts[0], self.items[starts[0] : starts[-1]], self.catalogue, people)

    def first(self, kept: int) -> Histories:
        """The same with the first `kept` items of the catalogue alone. Half-lives then count these."""
        inside = self.items < kept
        before = np.concatenate([[0], np.cumsum(inside)])
        starts = before[self.starts].astype(np.int64)
        return Histories(starts, self.items[inside], min(kept, self.catalogue), self.people)

    def counts(self) -> NDArray[np.int64]:
        """(K,): how many users met each item."""
        return np.bincount(self.items, minlength=self.catalogue).astype(np.int64)

    def bags(self, half_life: float | None = None) -> sparse.csr_matrix:
        """(U, K): the items that each user met; with a half-life, an item that so many others followed counts half."""
        ages = np.repeat(self.starts[1:], np.diff(self.starts)) - np.arange(len(self.items)) - 1
        values = np.ones(len(self.items)) if half_life is None else 0.5 ** (ages / half_life)
        shape = (len(self), self.catalogue)
        return sparse.csr_matrix((values.astype(np.float32), self.items, self.starts), shape=shape)


def item_knn(met: Histories, neighbours: int = 100, shrink: float = 10.0) -> sparse.csr_matrix:
    """(K, K), from items met to items scored: cosines of the sets of users who met both, those of few users shrunk;
    each scored item keeps its nearest (Deshpande & Karypis 2004)."""
    bags = met.bags()
    together = (bags.T @ bags).tocsr()
    together.setdiag(0)
    together.eliminate_zeros()
    size = np.sqrt(met.counts().astype(np.float64))
    rows = np.repeat(np.arange(met.catalogue), np.diff(together.indptr))
    together.data = (together.data / (size[rows] * size[together.indices] + shrink)).astype(np.float32)
    kept = np.zeros(len(together.data), bool)
    for start, end in zip(together.indptr[:-1], together.indptr[1:], strict=True):
        own = together.data[start:end]
        kept[start + np.argsort(-own, kind="stable")[:neighbours]] = True
    together.data[~kept] = 0
    together.eliminate_zeros()
    return together.T.tocsr()


def ease(met: Histories, penalty: float) -> Matrix:
    """(K, K) with a zero diagonal: every item from all others by ridge (Steck 2019, equation 8)."""
    bags = met.bags()
    inverse = _inverse(_dense(bags.T @ bags), penalty)
    found = inverse / -np.diag(inverse)
    np.fill_diagonal(found, 0)
    return found


@dataclass(frozen=True)
class Ridge:
    """Linear scores of what comes next: base + bag @ weight + person @ mapping, of the bag of a history with this
    half-life, and of what is known of the user from elsewhere."""

    base: Matrix
    """(K,)"""
    weight: Matrix
    """(K, K)"""
    mapping: Matrix
    """(D, K)"""
    half_life: float

    def scores(self, users: Histories) -> Matrix:
        """(N, K)"""
        found = self.base + users.bags(self.half_life) @ self.weight
        return np.asarray(found if users.people is None else found + users.people @ self.mapping, np.float32)


class NextItems:
    """The ridge from the items met before each place of a history, the last ones counting most, to those that follow
    (a linear sequence model, Choe et al. 2021), for any penalty from one pass over the histories. What is known of a
    user from elsewhere is mapped to the items by the same ridge (the mapping of Man et al. 2017)."""

    def __init__(self, met: Histories, half_life: float) -> None:
        self.half_life, self._items = half_life, met.catalogue
        before, after = _before(met, half_life), _after(met)
        people = np.zeros((len(met), 0), np.float32) if met.people is None else met.people
        person = np.repeat(people, np.diff(met.starts), axis=0)
        count = max(1, before.shape[0])
        means = [np.asarray(before.sum(axis=0)).ravel(), person.sum(axis=0), np.asarray(after.sum(axis=0)).ravel()]
        self._mean_before = np.concatenate(means[:2]).astype(np.float64) / count
        self._mean_after = means[2].astype(np.float64) / count
        across = np.asarray(before.T @ person)
        self._inner = np.block([[_dense(before.T @ before), across], [across.T, person.T @ person]]).astype(np.float32)
        self._inner -= np.float32(count) * np.outer(self._mean_before, self._mean_before).astype(np.float32)
        self._cross = np.concatenate([_dense(before.T @ after), np.asarray((after.T @ person).T)]).astype(np.float32)
        self._cross -= np.float32(count) * np.outer(self._mean_before, self._mean_after).astype(np.float32)

    def solve(self, penalty: float) -> Ridge:
        inner = self._inner.copy()
        inner[np.diag_indices_from(inner)] += np.float32(penalty)
        weight = linalg.solve(inner, self._cross, assume_a="pos", overwrite_a=True, check_finite=False)
        np.fill_diagonal(weight, 0)  # an item that was met is never ranked
        base = self._mean_after - self._mean_before @ weight
        own, mapping = np.split(np.asarray(weight, np.float32), [self._items])
        return Ridge(base.astype(np.float32), own, mapping, self.half_life)


def factors(met: Histories, most: int) -> Matrix:
    """(U, D): what users met in D numbers each, of length one (the left singular vectors of the bags, by their values;
    Cremonesi et al. 2010)."""
    bags = met.bags()
    count = min(most, min(bags.shape) - 1)
    if count < 1:
        return np.zeros((len(met), 1), np.float32)
    left, values, _ = sparse_linalg.svds(bags, k=count, v0=np.ones(min(bags.shape)))
    found = left * np.sqrt(values)
    return np.asarray(found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9), np.float32)


def _before(met: Histories, half_life: float) -> sparse.csr_matrix:
    """(M, K): at each place, what was met before it."""
    places = met.places
    rows, columns, values = [], [], []
    for lag in range(1, min(LAGS, int(places.max(initial=0))) + 1):
        here = np.flatnonzero(places >= lag)
        rows.append(here)
        columns.append(met.items[here - lag])
        values.append(np.full(len(here), 0.5 ** ((lag - 1) / half_life), np.float32))
    return _matrix(rows, columns, values, (len(met.items), met.catalogue))


def _after(met: Histories) -> sparse.csr_matrix:
    """(M, K): at each place, the item there and those that follow it."""
    left = np.repeat(met.starts[1:], np.diff(met.starts)) - np.arange(len(met.items))
    rows, columns, values = [], [], []
    for lead, share in enumerate(NEXT):
        here = np.flatnonzero(left > lead)
        rows.append(here)
        columns.append(met.items[here + lead])
        values.append(np.full(len(here), share, np.float32))
    return _matrix(rows, columns, values, (len(met.items), met.catalogue))


def _matrix(rows: list[NDArray[np.int64]], columns: list[NDArray[np.int64]], values: list[Matrix],
            shape: tuple[int, int]) -> sparse.csr_matrix:  # fmt: skip
    if not rows:
        return sparse.csr_matrix(shape, dtype=np.float32)
    entries = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    return sparse.csr_matrix(entries, shape=shape)


def _dense(matrix: sparse.csr_matrix) -> Matrix:
    return np.asarray(matrix.toarray(), np.float32)


def _inverse(gram: Matrix, penalty: float) -> Matrix:
    """Of gram + penalty, which is positive definite: half the work of a general inverse."""
    gram[np.diag_indices_from(gram)] += np.float32(penalty)
    factor, _ = linalg.lapack.spotrf(gram, lower=True, overwrite_a=True)
    inverse, _ = linalg.lapack.spotri(factor, lower=True, overwrite_c=True)
    lower = np.tril(inverse, -1)
    return np.asarray(lower + lower.T + np.diag(np.diag(inverse)), np.float32)


def top(scores: NDArray[np.floating], count: int) -> NDArray[np.float64]:
    """(N, 2 x count) of scores (N, K): the numbers of the best items, best first, then their scores; -1 and -inf where
    there are no more. An item of score -inf is never listed."""
    number = min(count, scores.shape[1])
    some = np.argpartition(-scores, number - 1, axis=1)[:, :number]
    values = np.take_along_axis(scores, some, axis=1)
    order = np.lexsort((some, -values), axis=1)
    best, given = np.take_along_axis(some, order, axis=1), np.take_along_axis(values, order, axis=1)
    found = np.full((len(scores), 2 * count), -np.inf)
    found[:, :count] = -1
    found[:, :number] = np.where(np.isfinite(given), best, -1)
    found[:, count : count + number] = given
    return found
