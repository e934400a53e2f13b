"""What all sources of sound share: one channel at the network's rate, cut into parts of one length, and views."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from headstart.core import seeds
from headstart.core.errors import SourceError
from headstart.core.ragged import filled
from headstart.core.wording import counted
from headstart.data.modalities.audio import CLIPPED, LENGTHS, LONGER, THROUGHOUT, Audio, rate_of
from headstart.sources.contract import Source
from headstart.sources.inputs import ROWS, Inputs
from headstart.sources.library import LibrarySource
from headstart.sources.parts import first_rows, rows_of
from headstart.sources.points import PLACES, POOLED
from headstart.sources.sounds.frames import Frames

if TYPE_CHECKING:
    import torch

PARTS = "parts"
"""Input (R, …): the parts of one example; of a batch, those of all. Heads see the mean over an example's parts."""
LENGTH = LENGTHS[-1][0]
"""Most seconds of one sound; what follows tells little more of what it is. The checks count those that are longer."""
SHIFT = 0.1
"""Most of a sound by which a view begins earlier or later."""
TEMPO = 0.12
"""Most of its length by which speech becomes longer or shorter in a view."""
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

    at_places: bool = False
    """Whether heads read the moments of a sound, rather than sounds as a whole."""

    def parts_of(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """(R, …): what the network takes of `samples` (S,) at its rate."""
        return self._frames.cut(self.series(samples))

    def series(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """(V, …): what windows are cut from, of `samples` (S,), where the network answers moments of a sound; its
        preparation then has `frames`, the fields of `Frames`."""
        del samples
        raise self._answers_no_moments()

    @cached_property
    def _frames(self) -> Frames:
        return Frames(**self.description.preparation["frames"])

    def reading(self, form: str) -> Source:
        if form == POOLED:
            return self
        if "frames" not in self.description.preparation:
            raise self._answers_no_moments()
        other = copy.copy(self)
        other.at_places = True
        return other

    def _answers_no_moments(self) -> SourceError:
        return SourceError(
            f"{self.title} answers for a sound as a whole, and this task asks for an answer at each of its moments. "
            "Use a recogniser (`headstart pretrain --objective speech-recognition` makes one) or a wav2vec2 model."
        )

    @property
    def varies(self) -> bool:
        return True

    @property
    def mixes(self) -> bool:
        """Sounds as wholes: their parts are of one size. What is said at two moments at once has no one transcript."""
        return not self.at_places

    @cached_property
    def _decoder(self) -> Audio:
        return Audio()

    def _samples(self, content: Any) -> NDArray[np.float32]:
        known = self.description.preparation
        return self._decoder.decode(content).at(int(known["rate"]))[: int(known["seconds"] * known["rate"])]

    def prepare(self, content: Any) -> Inputs:
        samples = self._samples(content)
        return self._along(samples) if self.at_places else {PARTS: self.parts_of(samples)}

    def _along(self, samples: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
        """Windows of a sound, and where each of its moments is answered."""
        series = self.series(samples)
        parts = self._frames.cut(series)
        return {PARTS: parts, PLACES: self._frames.places(len(series), len(parts))}

    def view(self, content: Any, view: int, key: str) -> Inputs:
        """View 0 is the sound; others begin a little earlier or later, are a little louder or softer, and lack a band
        of tones and a moment. Where moments are answered they are a little faster or slower instead, so that what is
        said stays whole."""
        if view == 0:
            return self.prepare(content)
        random = seeds.generator(0, "view", view, key)
        if self.at_places:
            found = self._along(faster(self._samples(content), random))
            return {**found, PARTS: masked(found[PARTS], random) if found[PARTS].ndim > 2 else found[PARTS]}
        parts = self.parts_of(moved(self._samples(content), random))
        return {PARTS: masked(parts, random) if parts.ndim > 2 else parts}

    def length(self, inputs: Inputs) -> int:
        return len(inputs[PARTS])

    def few(self, batch: Inputs, count: int) -> Inputs:
        if not self.at_places:
            return first_rows(batch, count)
        where = batch[PLACES][:count]
        return {PARTS: batch[PARTS][: int(where.max()) // self._frames.answers + 1], PLACES: where}

    def collate(self, inputs: Sequence[Inputs]) -> Inputs:
        parts = [example[PARTS] for example in inputs]
        counts = [len(one) for one in parts]
        if not self.at_places:
            return {PARTS: np.concatenate(parts), ROWS: rows_of(counts)}
        before = np.cumsum([0, *counts[:-1]]) * self._frames.answers
        shifted = [example[PLACES] + shift for example, shift in zip(inputs, before, strict=True)]
        return {PARTS: np.concatenate(parts), PLACES: filled(shifted, max(map(len, shifted)), -1)}

    def entry_for(self, preparation: Mapping[str, Any]) -> torch.nn.Module:
        from headstart.sources.network import ArrayEntry

        del preparation
        return ArrayEntry(PARTS)

    def accepts(self, preparation: Mapping[str, Any]) -> str:
        return f"{preparation['rate'] / 1000:g} kHz"

    def blank(self, preparation: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
        return {PARTS: np.zeros((1, *preparation["shape"]), np.float32)}

    def noise(self, count: int) -> Inputs:
        random = np.random.default_rng(0).normal(size=(count, *self.input_shape()))
        if not self.at_places:
            return {PARTS: random.astype(np.float32), ROWS: rows_of([1] * count)}
        answers = self._frames.answers
        return {PARTS: random.astype(np.float32), PLACES: np.arange(count * answers, dtype=np.int32).reshape(count, -1)}

    def input_shape(self) -> tuple[int, ...]:
        return tuple(self.description.preparation["shape"])

    def remarks(self, contents: Iterable[Any], counts: Mapping[str, Mapping[str, int]]) -> list[str]:
        """By what was found as they were checked: decoding them once more takes as long as preparing them."""
        del contents
        told = [
            ("seconds", LONGER, f"longer than the {LENGTH:g} s that are read; what follows is not"),
            ("silence", THROUGHOUT, "silent throughout"),
            ("clipped", CLIPPED, "clipped: louder than a file can hold"),
        ]
        found = [(counts.get(name, {}).get(value, 0), what) for name, value, what in told]
        notes = [f"{_recordings(count)} {what}." for count, what in found if count]
        rate = int(self.description.preparation["rate"])
        others = {rate_of(value): count for value, count in counts["rate"].items() if rate_of(value) != rate}
        if others:
            had = " to ".join(f"{one:,}" for one in sorted({min(others), max(others)}))
            notes.append(f"{_recordings(sum(others.values()))} resampled to {rate:,} Hz by soxr, from {had} Hz.")
        return notes


def _recordings(count: int) -> str:
    return counted(count, "recording is", "recordings are")


def moved(samples: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
    """The sound (S,) turned about in time by at most SHIFT of it, and louder or softer by at most GAIN."""
    most = int(SHIFT * len(samples))
    turned = np.roll(samples, int(random.integers(-most, most + 1)))
    return np.asarray(turned * 10 ** (random.uniform(-GAIN, GAIN) / 20), np.float32)


def faster(samples: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
    """The sound (S,) faster or slower by at most TEMPO, its tones with it (Ko et al. 2015), and louder or softer."""
    import soxr

    changed = soxr.resample(samples, 1000, round(1000 * random.uniform(1 - TEMPO, 1 + TEMPO)))
    return np.asarray(changed * 10 ** (random.uniform(-GAIN, GAIN) / 20), np.float32)


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
