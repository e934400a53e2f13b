"""Whether two recordings are of one speaker (or whatever the label is), judged by how alike they are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from headstart.measure.linear import FloatArray


@dataclass(frozen=True, eq=False)
class EqualErrorRate:
    """The error at the threshold where as many pairs of one label are refused as pairs of two labels are accepted.

    A statistic of items (N,), all of whose pairs are judged: a pair counts as often as both its items do.
    """

    features: FloatArray
    """(N, D)"""
    labels: NDArray[np.int64]
    """(N,)"""

    @cached_property
    def _pairs(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
        """First and second item, and whether they have one label, of all pairs from most to least alike (cosine)."""
        lengths = np.linalg.norm(self.features, axis=1, keepdims=True)
        even = self.features / np.maximum(lengths, 1e-12)
        first, second = np.triu_indices(len(even), 1)
        order = np.argsort(-(even @ even.T)[first, second], kind="stable")
        first, second = first[order], second[order]
        return first, second, self.labels[first] == self.labels[second]

    def __call__(self, weights: FloatArray) -> FloatArray:
        return np.array([self._rate(row) for row in weights])

    def _rate(self, weights: FloatArray) -> float:
        first, second, same = self._pairs
        counts = weights[first] * weights[second]
        of_one, of_two = np.cumsum(counts * same), np.cumsum(counts * ~same)
        if not of_one[-1] or not of_two[-1]:
            return float("nan")
        refused, accepted = 1 - of_one / of_one[-1], of_two / of_two[-1]
        place = int(np.argmin(np.abs(refused - accepted)))
        return float((refused[place] + accepted[place]) / 2)
