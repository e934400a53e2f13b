"""Many examples, read a block of rows at a time: what is computed of all of them needs no copy of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK = 1 << 20
"""Numbers in a block: 8 MB."""
TOGETHER = 8 * BLOCK
"""Numbers in products that are computed in one pass: 64 MB."""
MANY = 8
"""Examples a feature from which each counts for so little that float32, in which they came, is enough."""


class Rows:
    """Examples (N, D), less their `centre` (D,). Sums over blocks are in float64; products within a block are in
    float32 where the examples are, and there are many."""

    def __init__(self, examples: NDArray[Any], centre: NDArray[np.float64] | float = 0.0) -> None:
        self.examples, self.centre = examples, centre
        self.items, self.width = examples.shape
        is_enough = examples.dtype == np.float32 and self.items >= MANY * self.width
        self.precision = np.float32 if is_enough else np.float64

    def blocks(self) -> Iterator[tuple[slice, NDArray[Any]]]:
        """(which, their values) of the next rows."""
        step = max(1, BLOCK // self.width)
        for start in range(0, self.items, step):
            which = slice(start, start + step)
            yield which, np.subtract(self.examples[which], self.centre, dtype=self.precision, casting="same_kind")

    def every(self, step: int) -> Rows:
        """One in `step` of the examples."""
        return Rows(self.examples[::step], self.centre) if step > 1 else self

    def sums(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Weighted sums (D,), or (K, D) for weights (N,) or (N, K)."""
        return self._total(np.zeros((*weights.shape[1:], self.width)), lambda which, block: weights[which].T @ block)

    def scatter(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Weighted sum of the products of each two features (D, D), for weights (N,)."""
        roots = np.sqrt(weights)[:, None].astype(self.precision)

        def square(which: slice, block: NDArray[Any]) -> NDArray[Any]:
            np.multiply(block, roots[which], out=block)
            return np.asarray(block.T @ block)

        return self._total(np.zeros((self.width, self.width)), square)

    def times(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """Products (N, M) with a matrix (D, M)."""
        found = np.empty((self.items, matrix.shape[1]))
        narrow = matrix.astype(self.precision)
        for which, block in self.blocks():
            found[which] = block @ narrow
        return found

    def times_each(self, matrices: Sequence[NDArray[np.float64]]) -> Iterator[NDArray[np.float64]]:
        """Products (N, M) with each of several matrices (D, M), as many in one pass as memory allows."""
        some = max(1, TOGETHER // (self.items * matrices[0].shape[1]))
        for start in range(0, len(matrices), some):
            group = matrices[start : start + some]
            yield from np.split(self.times(np.concatenate(group, axis=1)), len(group), axis=1)

    def energies(self, axes: NDArray[np.float64], inverse: NDArray[np.float64]) -> NDArray[np.float64]:
        """The squared lengths along axes (D, R), weighed by each column of `inverse` (R, P): (N, P)."""
        found = np.empty((self.items, inverse.shape[1]))
        narrow, weights = axes.astype(self.precision), inverse.astype(self.precision)
        for which, block in self.blocks():
            along = block @ narrow
            found[which] = np.square(along, out=along) @ weights
        return found

    def _total(self, total: NDArray[np.float64], of: Any) -> NDArray[np.float64]:
        for which, block in self.blocks():
            total += of(which, block)
        return total
