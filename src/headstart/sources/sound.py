"""What all sources of sound share: one channel at the network's rate, cut into parts of one length, and views."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from headstart.core import seeds
from headstart.data.batches import ahead
from headstart.data.modalities.audio import Audio
from headstart.sources.contract import ROWS, Inputs
from headstart.sources.library import LibrarySource
from headstart.sources.parts import first_rows, rows_of

if TYPE_CHECKING:
    import torch

PARTS = "parts"
"""Input (R, …): the parts of one example; of a batch, those of all. Heads see the mean over an example's parts."""
LENGTH = 60.0
"""Most seconds of one sound; what follows tells little more of what it is."""
SHIFT = 0.1
"""Most of a sound by which a view begins earlier or later."""
GAIN = 6.0
"""Most decibels by which a view is louder or softer."""
MASKED = 0.12
"""Most of the bands, and most of the time, that a view lacks (Park et al. 2019)."""


class SoundSource(LibrarySource):
    """A model for sound of some library.

    Its preparation says `rate` (samples a second), `seconds` (the most that is read) and `shape` (of one part).
    Parts are of one length, whatever the batch: networks that normalise over time would see what fills a batch up.
    """

    modality: ClassVar[str] = "audio"  # type: ignore[misc]

    @abstractmethod
    def parts_of(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """(R, …): what the network takes of `samples` (S,) at its rate."""

    @property
    def varies(self) -> bool:
        return True

    @cached_property
    def _decoder(self) -> Audio:
        return Audio()

    def _samples(self, content: Any) -> NDArray[np.float32]:
        known = self.description.preparation
        return self._decoder.decode(content).at(int(known["rate"]))[: int(known["seconds"] * known["rate"])]

    def prepare(self, content: Any) -> Inputs:
        return {PARTS: self.parts_of(self._samples(content))}

    def view(self, content: Any, view: int, key: str) -> Inputs:
        """View 0 is the sound; others begin a little earlier or later, are a little louder or softer, and lack a band
        of tones and a moment."""
        if view == 0:
            return self.prepare(content)
        random = seeds.generator(0, "view", view, key)
        parts = self.parts_of(moved(self._samples(content), random))
        return {PARTS: masked(parts, random) if parts.ndim > 2 else parts}

    def length(self, inputs: Inputs) -> int:
        return len(inputs[PARTS])

    def few(self, batch: Inputs, count: int) -> Inputs:
        return first_rows(batch, count)

    def collate(self, inputs: Sequence[Inputs]) -> Inputs:
        parts = [example[PARTS] for example in inputs]
        return {PARTS: np.concatenate(parts), ROWS: rows_of([len(one) for one in parts])}

    def entry_for(self, preparation: Mapping[str, Any]) -> torch.nn.Module:
        from headstart.sources.network import ArrayEntry

        del preparation
        return ArrayEntry(PARTS)

    def blank(self, preparation: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
        return {PARTS: np.zeros((1, *preparation["shape"]), np.float32)}

    def noise(self, count: int) -> Inputs:
        random = np.random.default_rng(0).normal(size=(count, *self.input_shape()))
        return {PARTS: random.astype(np.float32), ROWS: rows_of([1] * count)}

    def input_shape(self) -> tuple[int, ...]:
        return tuple(self.description.preparation["shape"])

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
    """Spectra (R, T, bands) or (R, bands, T) with a range of each of these two axes at their mean."""
    changed = spectrum.copy()
    first, last = _range(spectrum.shape[-1], random)
    changed[..., first:last] = spectrum.mean()
    first, last = _range(spectrum.shape[-2], random)
    changed[..., first:last, :] = spectrum.mean()
    return changed


def _range(length: int, random: np.random.Generator) -> tuple[int, int]:
    size = int(random.integers(0, int(MASKED * length) + 1))
    first = int(random.integers(0, length - size + 1))
    return first, first + size
