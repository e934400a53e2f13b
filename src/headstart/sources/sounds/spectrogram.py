"""Image sources that are given sounds: a sound becomes pictures of its mel spectrum, a trick of the field (Palanisamy
et al. 2020): networks for photos know edges and textures, and a spectrogram has both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from headstart.data.modalities.audio import decibels
from headstart.data.modalities.mel import MelSpectrum
from headstart.sources.contract import Artefact
from headstart.sources.description import SourceCard
from headstart.sources.formats import MODALITY
from headstart.sources.library import LibrarySource
from headstart.sources.sounds.source import LENGTH, PARTS, SoundSource

if TYPE_CHECKING:
    import torch

RATE = 16_000
BANDS = 128
SPECTRUM = MelSpectrum(RATE, window=640, hop=160, fft=1024, bands=BANDS, low=50.0, high=7600.0)
DEPTH = 80.0
"""Decibels below the loudest moment of a sound at which its pictures are black."""
STEP = 0.5
"""Share of a picture's time after which the next one begins."""


class SpectrogramSource(SoundSource):
    """An image source whose pictures are log-mel spectra: time from left to right, low tones at the bottom, in the size
    and the colours' moments of the source's own preparation, without a crop. A sound is as many pictures as it needs,
    overlapping by half; heads see the mean over them."""

    def __init__(self, image: LibrarySource) -> None:
        super().__init__(image.name)
        self.image, self.family = image, image.family

    @property
    def architecture(self) -> str:
        return self.image.architecture

    def identity(self) -> dict[str, Any]:
        return {**self.image.identity(), "spectrum": self.preparation()}

    def configuration(self) -> dict[str, Any]:
        return {**self.image.configuration(), MODALITY: self.modality}

    def card(self) -> SourceCard:
        return self.image.card()

    def own_labels(self) -> tuple[str, ...]:
        """None of a network that has seen photos alone: what it says of spectrograms means nothing."""
        return self.image.own_labels() if self.image.configuration().get(MODALITY) == self.modality else ()

    @property
    def pooling(self) -> str:
        return self.image.pooling

    @property
    def answers_itself(self) -> bool:
        return self.image.answers_itself

    def has_classifier(self) -> bool:
        return self.image.has_classifier()

    def preparation(self) -> dict[str, Any]:
        known = self.image.preparation()
        height, width = int(known["height"]), int(known["width"])
        return {
            "rate": RATE,
            "seconds": LENGTH,
            "shape": [height, width],
            "wide": round(BANDS * width / height),
            "mean": list(known["mean"]),
            "std": list(known["std"]),
        }

    @cached_property
    def _wide(self) -> int:
        """Frames of one picture."""
        return int(self.description.preparation["wide"])

    def parts_of(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        missing = SPECTRUM.span(self._wide) - len(samples)
        levels = decibels(SPECTRUM.energies(np.pad(samples, (0, max(0, missing)))), DEPTH) / DEPTH + 1
        starts = range(0, len(levels) - self._wide + 1, int(self._wide * STEP))
        return np.stack([self._picture(levels[start : start + self._wide]) for start in starts])

    def _picture(self, levels: NDArray[np.float64]) -> NDArray[np.float32]:
        """(H, W) of levels (T, bands), from 0 to 1."""
        height, width = self.description.preparation["shape"]
        upright = PIL.Image.fromarray(np.ascontiguousarray(levels.T[::-1], np.float32))
        return np.asarray(upright.resize((width, height), PIL.Image.Resampling.BILINEAR), np.float32)

    def entry_for(self, preparation: Mapping[str, Any]) -> torch.nn.Module:
        from headstart.sources.network import GreyEntry

        return GreyEntry(PARTS, preparation["mean"], preparation["std"])

    def build(self, pretrained: bool) -> torch.nn.Module:
        return self.image.build(pretrained)

    def weights(self) -> dict[str, NDArray[Any]]:
        return self.image.weights() if self.seed is None else super().weights()

    def on_disk(self, changed: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        return self.image.on_disk(changed)

    def artefact(self, labels: Sequence[str], outputs: int) -> Artefact:
        """The image source's own, with a word in its first document that it takes sounds."""
        written = self.image.artefact(labels, outputs)
        (first, document), *others = written.documents.items()
        documents = {first: {**document, MODALITY: self.modality}, **dict(others)}
        return Artefact(documents, written.copies, written.opens_with)
