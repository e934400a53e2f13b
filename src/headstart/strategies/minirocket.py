"""Random convolutions: what tells series apart best for its cost, and knows no other data (Dempster et al. 2021)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.data.modalities.convolutions import WIDTH, Convolutions
from headstart.data.modalities.series import Series


class MiniRocket:
    """Shares of positive values after some ten thousand dilated convolutions, each on the scale of the series that are
    learned from. Series of several lengths are stretched to the longest of these."""

    title = "MiniROCKET"
    solver = "ridge"

    def fit(self, contents: Iterable[Any]) -> NDArray[np.float64]:
        series = [Series().decode(content) for content in contents]
        self._convolutions = Convolutions.fitted(series)
        found = np.stack([self._convolutions(one) for one in series]).astype(np.float64)
        self._mean, self._deviation = found.mean(axis=0), np.maximum(found.std(axis=0), 1e-6)
        return self._scaled(found)

    def transform(self, contents: Iterable[Any]) -> NDArray[np.float64]:
        found = np.stack([self._convolutions(Series().decode(content)) for content in contents])
        return self._scaled(found.astype(np.float64))

    def _scaled(self, found: NDArray[np.float64]) -> NDArray[np.float64]:
        """In units of the deviation, divided by the root of their number, so that a penalty means what it does for
        other features."""
        return np.asarray((found - self._mean) / self._deviation / np.sqrt(WIDTH))
