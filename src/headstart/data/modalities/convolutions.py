"""Random convolutions of series: shares of values above thresholds, after some thousand dilated filters (MiniROCKET,
Dempster, Schmidt and Webb 2021)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.core import fingerprints, seeds
from headstart.data.modalities.series import resampled

TAPS = 9
SHORTEST = TAPS
"""Steps below which a filter has no room; shorter series are stretched."""
KERNELS = np.full((84, TAPS), -1, np.float32)
"""Every filter of nine taps of which three are 2 and the others -1."""
for _row, _three in enumerate(itertools.combinations(range(TAPS), 3)):
    KERNELS[_row, list(_three)] = 2
EACH = 119
"""Thresholds of each filter, over all dilations: 9,996 features in all."""
WIDTH = len(KERNELS) * EACH
DILATIONS = 32
GOLDEN = (np.sqrt(5) + 1) / 2


@dataclass(frozen=True, eq=False)
class Convolutions:
    """Set for series of some channels, all brought to one length. Of several channels each filter sums a random few.

    Thresholds are quantiles of what filters give on series to learn from, so nothing else is learned, and no labels.
    """

    length: int
    channels: int
    thresholds: NDArray[np.float32]
    """(WIDTH,): of the first dilation, all filters', then of the next."""

    @staticmethod
    def fitted(series: Sequence[NDArray[np.float64]], seed: int = 0) -> Convolutions:
        """Set for `series`, each (channels, T): for the longest of them."""
        length = max(SHORTEST, *(one.shape[1] for one in series))
        blank = Convolutions(length, len(series[0]), np.zeros(WIDTH, np.float32))
        random = seeds.generator(seed, "convolutions")
        found = (np.arange(1, WIDTH + 1) * GOLDEN % 1).astype(np.float32)  # which quantiles, evenly spread
        first = 0
        for dilation, each in blank.dilations:
            levels = found[first : first + len(KERNELS) * each].reshape(-1, each)
            first += levels.size
            for row, one in enumerate(random.integers(0, len(series), len(KERNELS)).tolist()):
                given = blank._filtered(blank.even(series[one]), dilation, slice(row, row + 1))
                levels[row] = np.quantile(given, levels[row])
        return Convolutions(length, len(series[0]), found)

    @cached_property
    def dilations(self) -> list[tuple[int, int]]:
        """(dilation, thresholds of each filter there): more at small ones, as many in all as EACH."""
        most = np.log2((self.length - 1) / (TAPS - 1))
        found, counts = np.unique(np.logspace(0, most, DILATIONS, base=2).astype(int), return_counts=True)
        shares = (counts * (EACH / DILATIONS)).astype(int)
        shares += np.bincount(np.arange(EACH - shares.sum()) % len(shares), minlength=len(shares))
        return list(zip(found.tolist(), shares.tolist(), strict=True))

    def summed(self, dilation: int) -> NDArray[np.float32]:
        """(84, channels): 1 for the channels that each filter sums, from one to nine, fewer being likelier."""
        random = seeds.generator(0, "channels", self.channels, dilation)
        order = random.random((len(KERNELS), self.channels)).argsort(axis=1)
        most = np.log2(min(self.channels, TAPS) + 1)
        counts = (2 ** random.uniform(0, most, len(KERNELS))).astype(int)
        return (order < counts[:, None]).astype(np.float32)

    @cached_property
    def _summed(self) -> dict[int, NDArray[np.float32]]:
        return {dilation: self.summed(dilation) for dilation, _ in self.dilations}

    def even(self, series: NDArray[np.float64]) -> NDArray[np.float32]:
        """(channels, length)"""
        if series.shape[1] == self.length:
            return series.astype(np.float32)
        return np.stack([resampled(channel, self.length) for channel in series]).astype(np.float32)

    def _filtered(self, values: NDArray[np.float32], dilation: int, rows: slice = slice(None)) -> NDArray[np.float32]:
        """(K, length): what filters `rows` give at each step of values (channels, length); zero beyond their ends."""
        reach = dilation * (TAPS // 2)
        wide = np.pad(values, ((0, 0), (reach, reach)))
        taps = np.stack([wide[:, first : first + self.length] for first in range(0, 2 * reach + 1, dilation)])
        if self.channels == 1:
            return np.asarray(KERNELS[rows] @ taps[:, 0])
        summed = np.einsum("kj,kc,jct->kt", KERNELS[rows], self._summed[dilation][rows], taps, optimize=True)
        return np.asarray(summed, np.float32)

    def describe(self) -> dict[str, Any]:
        """What tells these from others, as JSON."""
        digest = fingerprints.of_bytes(self.thresholds.tobytes())
        return {"steps": self.length, "channels": self.channels, "thresholds": digest}

    def __call__(self, series: NDArray[np.float64]) -> NDArray[np.float32]:
        """(WIDTH,) shares, from 0 to 1, of one series (channels, T)."""
        values = self.even(series)
        return np.concatenate([shares for _, shares in self._by_dilation(values)])

    def _by_dilation(self, values: NDArray[np.float32]) -> Iterator[tuple[int, NDArray[np.float32]]]:
        first = 0
        for place, (dilation, each) in enumerate(self.dilations):
            thresholds = self.thresholds[first : first + len(KERNELS) * each].reshape(-1, each, 1)
            first += thresholds.size
            found = self._filtered(values, dilation)
            inner = found[:, dilation * (TAPS // 2) : self.length - dilation * (TAPS // 2)]
            shares = np.empty((len(KERNELS), each), np.float32)
            # every other filter is read only where it lies wholly within the series
            for rows, given in ((slice(place % 2, None, 2), found), (slice(1 - place % 2, None, 2), inner)):
                shares[rows] = (given[rows, None] > thresholds[rows]).mean(axis=2, dtype=np.float32)
            yield dilation, shares.ravel()
