"""The Audio Spectrogram Transformer (Gong et al. 2021), a folder of transformers: its spectra as its own extractor
computes them, but all frames at once: one by one they take a quarter of a small network's time."""

from __future__ import annotations

import warnings
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
LONGEST = 1024
"""Frames that the network takes, where the folder does not say."""


class SpectrogramTransformer(TransformersSounds):
    """Spectra (T, bands) are filled up with zeros before they are scaled, as in training."""

    @cached_property
    def _bands(self) -> NDArray[np.float64]:
        """(FFT / 2 + 1, bands): weight of each frequency in each band, on Kaldi's scale."""
        from transformers.audio_utils import mel_filter_bank

        rate = int(self._preprocessor.get("sampling_rate", 16_000))
        bands = int(self._preprocessor.get("num_mel_bins", 128))
        scale: dict[str, Any] = {"norm": None, "mel_scale": "kaldi", "triangularize_in_mel_space": True}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the lowest bands lie between two frequencies, as AudioSet's do
            return np.asarray(mel_filter_bank(FFT // 2 + 1, bands, LOWEST, rate // 2, rate, **scale))

    def _extracted(self, samples: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
        del rate
        known = self._preprocessor
        length = int(known.get("max_length", LONGEST))
        found = log_energies(samples, self._bands)[:length]
        spectrum = np.pad(found, ((0, length - len(found)), (0, 0)))
        if not known.get("do_normalize", True):
            return spectrum
        mean, deviation = float(known.get("mean", MEAN)), float(known.get("std", DEVIATION))
        return np.asarray((spectrum - mean) / (2 * deviation), np.float32)


def log_energies(samples: NDArray[np.float32], bands: NDArray[np.float64]) -> NDArray[np.float32]:
    """(T, bands) of whole frames of `samples` (S,): each less its mean, its high tones louder, under a Hann window.
    What is shorter than one frame is filled up with zeros."""
    samples = np.pad(samples, (0, max(0, WINDOW - len(samples))))
    framed = np.lib.stride_tricks.sliding_window_view(samples.astype(np.float64), WINDOW)[::HOP]
    centred = framed - framed.mean(axis=1, keepdims=True)
    before = np.concatenate([centred[:, :1], centred[:, :-1]], axis=1)
    spectrum = np.fft.rfft((centred - RISE * before) * np.hanning(WINDOW), FFT, axis=1)
    return np.log(np.maximum(np.abs(spectrum) ** 2 @ bands, FAINTEST)).astype(np.float32)
