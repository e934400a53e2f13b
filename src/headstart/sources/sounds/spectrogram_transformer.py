"""The Audio Spectrogram Transformer (Gong et al. 2021), a folder of transformers: its spectra as its own extractor
computes them, but all frames at once: one by one they take a quarter of a small network's time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from headstart.data.modalities.mel import MelSpectrum, triangles
from headstart.sources.sounds.transformers import TransformersSounds

WINDOW, HOP, FFT = 400, 160, 512
"""Samples of a frame, from one to the next, and of its transform, as in Kaldi, at whatever rate."""
LOWEST = 20.0
"""Hz at which the first band begins."""
RISE = 0.97
"""Of the sample before, what is taken off each: high tones are made louder."""
FAINTEST = 1.192092955078125e-07
"""Energy that a band has at least: what a float adds to 1."""
MEAN, DEVIATION = -4.2677393, 4.5689974
"""Of AudioSet, where the folder names none."""
LONGEST, BANDS = 1024, 128
"""Frames that the network takes, and bands of each, where the folder does not say."""


class SpectrogramTransformer(TransformersSounds):
    """Spectra (T, bands) are filled up with zeros before they are scaled, as in training."""

    def _extracted(self, samples: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
        known = self._preprocessor
        length, bands = int(known.get("max_length", LONGEST)), int(known.get("num_mel_bins", BANDS))
        kaldi = MelSpectrum(rate, window=WINDOW, hop=HOP, fft=FFT, bands=bands, low=LOWEST, high=rate // 2)
        found = log_energies(samples, kaldi)[:length]
        spectrum = np.pad(found, ((0, length - len(found)), (0, 0)))
        if not known.get("do_normalize", True):
            return spectrum
        mean, deviation = float(known.get("mean", MEAN)), float(known.get("std", DEVIATION))
        return np.asarray((spectrum - mean) / (2 * deviation), np.float32)


def log_energies(samples: NDArray[np.float32], spectrum: MelSpectrum) -> NDArray[np.float32]:
    """(T, bands) of the frames of `samples` (S,): each less its mean, its high tones louder, under a symmetric Hann
    window; the logarithm of the power in each band."""
    framed = spectrum.framed(samples.astype(np.float64))
    centred = framed - framed.mean(axis=1, keepdims=True)
    before = np.concatenate([centred[:, :1], centred[:, :-1]], axis=1)
    found = np.fft.rfft((centred - RISE * before) * np.hanning(spectrum.window), spectrum.fft, axis=1)
    return np.log(np.maximum(np.abs(found) ** 2 @ triangles(spectrum), FAINTEST)).astype(np.float32)
