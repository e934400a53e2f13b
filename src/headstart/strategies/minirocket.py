"""Random convolutions: what tells series apart best for its cost, and knows no other data (Dempster et al. 2021)."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.data.modalities.series import Series, resampled

SHORTEST = 9
"""Steps below which its convolutions have no room; shorter series are stretched."""


class _Missing:
    """A sentence where the library is not installed; empty where it is."""

    def __get__(self, instance: object, owner: type) -> str:
        if importlib.util.find_spec("aeon") is not None:
            return ""
        return "MiniROCKET, which people of the field would try, was not run: pip install 'headstart[series]'."


class MiniRocket:
    """Shares of positive values after some ten thousand dilated convolutions, by aeon, each on the scale of the series
    that are learned from. Series of several lengths are stretched to the longest of these."""

    title = "MiniROCKET"
    missing = _Missing()

    def __init__(self) -> None:
        from aeon.transformations.collection.convolution_based import MiniRocket as Transform

        self._transform = Transform(random_state=0)
        self._length = 0
        self._mean = self._deviation = np.zeros(0)

    def fit(self, contents: Iterable[Any]) -> NDArray[np.float64]:
        series = [Series().decode(content) for content in contents]
        self._length = max(SHORTEST, *(one.shape[1] for one in series))
        found = np.asarray(self._transform.fit_transform(self._even(series)), np.float64)
        self._mean, self._deviation = found.mean(axis=0), np.maximum(found.std(axis=0), 1e-6)
        return self._scaled(found)

    def transform(self, contents: Iterable[Any]) -> NDArray[np.float64]:
        even = self._even([Series().decode(content) for content in contents])
        return self._scaled(np.asarray(self._transform.transform(even), np.float64))

    def _even(self, series: list[NDArray[np.float64]]) -> NDArray[np.float32]:
        stretched = [
            one if one.shape[1] == self._length else np.stack([resampled(channel, self._length) for channel in one])
            for one in series
        ]
        return np.stack(stretched).astype(np.float32)

    def _scaled(self, found: NDArray[np.float64]) -> NDArray[np.float64]:
        """In units of the deviation, divided by the root of their number, so that a penalty means what it does for
        other features."""
        return np.asarray((found - self._mean) / self._deviation / np.sqrt(found.shape[1]))
