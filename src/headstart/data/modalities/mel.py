"""Sound as energies of mel bands over time, in NumPy: what networks for sound take, and what people are shown."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

HTK_SCALE, HTK_CORNER = 1127.0, 700.0
"""The mel scale of HTK: 1127 ln(1 + f / 700)."""


@dataclass(frozen=True)
class MelSpectrum:
    """Short-time Fourier magnitudes, summed in bands that are triangles on the mel scale."""

    rate: int
    """Samples a second."""
    window: int
    """Samples of one frame; a periodic Hann window."""
    hop: int
    """Samples from one frame to the next."""
    fft: int
    """Length of the transform in samples: a frame is filled up with zeros at its end."""
    bands: int
    low: float
    """Hz at which the first triangle begins."""
    high: float
    """Hz at which the last triangle ends."""

    def frames(self, samples: int) -> int:
        """How many whole frames there are in that many samples."""
        return max(0, 1 + (samples - self.window) // self.hop)

    def span(self, frames: int) -> int:
        """The samples that so many frames take."""
        return self.window + (frames - 1) * self.hop

    def framed(self, samples: NDArray[Any]) -> NDArray[Any]:
        """(T, window), a view of `samples` (S,); what is shorter than one frame is filled up with zeros."""
        if len(samples) < self.window:
            samples = np.pad(samples, (0, self.window - len(samples)))
        return np.lib.stride_tricks.sliding_window_view(samples, self.window)[:: self.hop]

    def energies(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """(T, bands) of `samples` (S,), as `framed` cuts them."""
        spectrum = np.abs(np.fft.rfft(self.framed(samples) * _hann(self.window), self.fft, axis=1))
        return np.asarray(spectrum @ triangles(self), np.float32)


@cache
def _hann(length: int) -> NDArray[np.float64]:
    return np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length))


@cache
def triangles(spectrum: MelSpectrum) -> NDArray[np.float64]:
    """(fft / 2 + 1, bands): weight of each frequency in each band; none has the constant part."""
    places = _mel(np.linspace(0, spectrum.rate / 2, spectrum.fft // 2 + 1))[:, None]
    edges = np.linspace(_mel(np.array(spectrum.low)), _mel(np.array(spectrum.high)), spectrum.bands + 2)
    lower, middle, upper = edges[:-2], edges[1:-1], edges[2:]
    rising, falling = (places - lower) / (middle - lower), (upper - places) / (upper - middle)
    weights = np.maximum(0.0, np.minimum(rising, falling))
    weights[0] = 0.0
    return np.asarray(weights)


def _mel(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    return HTK_SCALE * np.log1p(hertz / HTK_CORNER)
