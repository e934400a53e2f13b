"""Cepstral coefficients: what recognised sounds before networks did."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.data.batches import ahead
from headstart.data.modalities.audio import RATE, Audio
from headstart.data.modalities.mel import MelSpectrum

COEFFICIENTS = 20
SPECTRUM = MelSpectrum(RATE, window=400, hop=160, fft=512, bands=40, low=20.0, high=7600.0)
SMALLEST = 1e-5
"""Added to energies ahead of the logarithm."""
REACH = 4
"""Frames on each side over which changes are measured: a line through nine of them, as is customary."""


class Mfcc:
    """Mean and deviation over time of 20 mel cepstral coefficients and of their changes, each on the scale of the
    sounds that are learned from."""

    title = "MFCC statistics"
    solver = ""

    def __init__(self) -> None:
        self._audio = Audio()
        self._mean = self._deviation = np.zeros(0)

    def fit(self, contents: Iterable[Any]) -> NDArray[np.float64]:
        found = self._statistics(contents)
        self._mean, self._deviation = found.mean(axis=0), np.maximum(found.std(axis=0), 1e-6)
        return self._scaled(found)

    def transform(self, contents: Iterable[Any]) -> NDArray[np.float64]:
        return self._scaled(self._statistics(contents))

    def _scaled(self, found: NDArray[np.float64]) -> NDArray[np.float64]:
        """In units of the deviation, divided by the root of their number, so that a penalty means what it does for
        texts of length one."""
        return np.asarray((found - self._mean) / self._deviation / np.sqrt(found.shape[1]))

    def _statistics(self, contents: Iterable[Any]) -> NDArray[np.float64]:
        return np.stack(list(ahead(lambda content: statistics(self._audio.decode(content).at(RATE)), contents)))


def statistics(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    """(4 x COEFFICIENTS,) of the samples (S,) of a sound."""
    from scipy.fft import dct

    energies = np.log(SPECTRUM.energies(samples).astype(np.float64) + SMALLEST)
    coefficients = dct(energies, type=2, norm="ortho", axis=1)[:, :COEFFICIENTS]
    changes = slopes(coefficients)
    return np.concatenate([part for values in (coefficients, changes) for part in (values.mean(0), values.std(0))])


def slopes(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(T, D): of the line through each value and its REACH neighbours on each side; the ends are repeated."""
    padded = np.pad(values, ((REACH, REACH), (0, 0)), mode="edge")
    weights = np.arange(-REACH, REACH + 1)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * REACH + 1, axis=0)
    return np.asarray(windows @ weights / float(np.sum(weights**2)))
