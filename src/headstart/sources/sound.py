"""What all sources of sound share: one channel at the network's rate, a limit in seconds, and views."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from headstart.core import seeds
from headstart.data.batches import ahead
from headstart.data.modalities.audio import Audio
from headstart.sources.contract import Inputs
from headstart.sources.library import LibrarySource

LENGTH = 60.0
"""Most seconds of one sound; what follows tells little more of what it is."""
SHIFT = 0.1
"""Most of a sound by which a view begins earlier or later."""
GAIN = 6.0
"""Most decibels by which a view is louder or softer."""
MASKED_BANDS, MASKED_TIME = 0.15, 0.1
"""Most of the bands, and of the time, that each mask of a view covers (Park et al. 2019)."""


class SoundSource(LibrarySource):
    """A model for sound of some library. Its preparation says `rate` (samples a second) and `seconds` (at most)."""

    modality: ClassVar[str] = "audio"  # type: ignore[misc]

    @abstractmethod
    def inputs_of(self, samples: NDArray[np.float32]) -> Inputs:
        """What the network takes of `samples` (S,) at its rate."""

    @property
    @abstractmethod
    def spectrum(self) -> str:
        """Name of the input (…, T, bands) whose bands and moments views may mask; empty: there is none."""

    @cached_property
    def _decoder(self) -> Audio:
        return Audio()

    def _samples(self, content: Any) -> NDArray[np.float32]:
        known = self.description.preparation
        return self._decoder.decode(content).at(int(known["rate"]))[: int(known["seconds"] * known["rate"])]

    def prepare(self, content: Any) -> Inputs:
        return self.inputs_of(self._samples(content))

    def view(self, content: Any, view: int, key: str) -> Inputs:
        """View 0 is the sound; others begin a little earlier or later, are a little louder or softer, and lack a band
        of tones and a moment."""
        if view == 0:
            return self.prepare(content)
        random = seeds.generator(0, "view", view, key)
        inputs = self.inputs_of(moved(self._samples(content), random))
        if not self.spectrum:
            return inputs
        return {**inputs, self.spectrum: masked(inputs[self.spectrum], random)}

    def remarks(self, contents: Iterable[Any]) -> list[str]:
        limit = float(self.description.preparation["seconds"])
        longer = sum(ahead(lambda content: self._decoder.decode(content).seconds > limit, contents))
        if not longer:
            return []
        return [
            f"{'1 recording is' if longer == 1 else f'{longer} recordings are'} longer than the {limit:g} s that are "
            "read; what follows is not."
        ]


def moved(samples: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
    """The sound (S,) turned about in time by at most SHIFT of it, and louder or softer by at most GAIN."""
    most = int(SHIFT * len(samples))
    turned = np.roll(samples, int(random.integers(-most, most + 1)))
    return np.asarray(turned * 10 ** (random.uniform(-GAIN, GAIN) / 20), np.float32)


def masked(spectrum: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
    """Energies (…, T, bands) with one range of bands and one of moments at their mean."""
    changed = spectrum.copy()
    time, bands = spectrum.shape[-2:]
    first, last = _range(bands, MASKED_BANDS, random)
    changed[..., first:last] = spectrum.mean()
    first, last = _range(time, MASKED_TIME, random)
    changed[..., first:last, :] = spectrum.mean()
    return changed


def _range(length: int, share: float, random: np.random.Generator) -> tuple[int, int]:
    size = int(random.integers(0, int(share * length) + 1))
    first = int(random.integers(0, length - size + 1))
    return first, first + size
