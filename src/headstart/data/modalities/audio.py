"""Sounds: any file libsndfile reads (wav, flac, ogg, opus, mp3, aiff), or samples in memory with their rate."""

from __future__ import annotations

import io
import itertools
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from headstart.core.wording import counted
from headstart.data.contents import Unreadable
from headstart.data.facts import Facts
from headstart.data.modalities.mel import MelSpectrum

RATE = 16_000
"""Samples a second at which a sound is examined and shown."""
SHORTEST = 0.01
"""Seconds below which there is nothing to hear."""
LONGEST = 3600.0
"""Seconds above which a recording is not one example."""
RATES = (1_000, 768_000)
LENGTHS = ((1.0, "up to 1 s"), (3.0, "1 to 3 s"), (10.0, "3 to 10 s"), (30.0, "10 to 30 s"), (60.0, "30 to 60 s"))
LONGER = "over 60 s"
HERTZ = " Hz"
THROUGHOUT = "all of it"
CLIPPED = "yes"
"""How properties say it, for those who read them: the unit of a rate, all silent, too loud."""
SILENT = 1e-3
"""Amplitude of 1 below which a frame is silent: -60 dB."""
FULL, FULL_SHARE = 0.999, 0.001
"""Amplitude of 1 that is as loud as it goes, and the share of such samples from which a sound is clipped."""
LACKING = 0.01
"""Share of the bytes that a header promises without which a file is cut off, and its header not just careless."""
STREAMED = 0x7FFF0000
"""Bytes from which a header promises as much as can be, because its writer did not know."""
_PROMISED = re.compile(r"(?:data|SSND|Data Size)\s*: (\d+) \(should be (\d+)\)")
"""What libsndfile says of the samples of a WAV, AIFF or AU file that ends too soon."""
SPECTRUM = MelSpectrum(RATE, window=400, hop=160, fft=512, bands=64, low=60.0, high=7600.0)
COARSE = MelSpectrum(RATE, window=400, hop=160, fft=512, bands=16, low=60.0, high=7600.0)
MOMENTS = 32
"""Equal parts in time of the thumbnail."""
FLOOR, THUMBNAIL_FLOOR = 60.0, 40.0
"""Decibels below the loudest at which pictures end, and thumbnails: what is fainter, lossy formats change."""
SHOWN = (240, 96)
"""Width and height, in pixels, of what people are shown."""
PALETTE = np.array([(12, 8, 38), (84, 24, 110), (190, 55, 84), (249, 142, 9), (252, 253, 191)], np.float64)
"""Colours from silent to loud."""


@dataclass(frozen=True)
class Sound:
    """One sound, its channels mixed."""

    samples: NDArray[np.float32]
    """(S,), mostly within -1..1."""
    rate: int
    """Samples a second."""
    channels: int = 1
    """Before they were mixed."""

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate

    def at(self, rate: int) -> NDArray[np.float32]:
        """The samples (S',) at another rate."""
        if rate == self.rate:
            return self.samples
        import soxr

        return np.asarray(soxr.resample(self.samples, self.rate, rate), np.float32)

    @property
    def is_silent(self) -> bool:
        return float(np.abs(self.samples).max()) < SILENT

    @property
    def is_clipped(self) -> bool:
        """Whether many samples are as loud as it goes."""
        return float(np.mean(np.abs(self.samples) >= FULL)) > FULL_SHARE


class Audio:
    """The modality of sounds."""

    name = "audio"
    suffixes = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".au")
    told_apart = ("seconds",)
    quick = False
    levels = False
    gaps = False

    def recognises(self, content: Any) -> bool:
        """Whether it is (samples, rate)."""
        return isinstance(content, tuple) and len(content) == 2 and hasattr(content[0], "__len__") and _is_rate(content)

    def decode(self, content: Any, size: int | None = None) -> Sound:
        """`content` as one channel at its own rate.

        Args:
            content: bytes of a file, a `Sound`, or (samples, rate): samples (S,), (S, channels) or (channels, S), as
                floats in -1..1 or as whole numbers of 8, 16 or 32 bits; rate in samples a second.

        Raises:
            Unreadable: with the reason.
        """
        del size
        if isinstance(content, Sound):
            return content
        if isinstance(content, (bytes, bytearray, memoryview)):
            return _mixed(*_opened(bytes(content)))
        if self.recognises(content):
            return _mixed(_as_floats(np.asarray(content[0])), int(content[1]))
        if isinstance(content, np.ndarray):
            raise Unreadable("samples without a rate; give (samples, samples a second), or the path of a file")
        raise Unreadable(f"not a sound but {'nothing' if content is None else f'a {type(content).__name__}'}")

    def examine(self, content: Any) -> Facts:
        """Whether the whole sound can be decoded; its rate, channels, length, silence, and whether it is clipped."""
        try:
            sound = self.decode(content)
        except Unreadable as problem:
            return Facts(problem=str(problem))
        properties = [
            ("rate", f"{sound.rate}{HERTZ}"),
            ("channels", {1: "mono", 2: "stereo"}.get(sound.channels, str(sound.channels))),
            ("seconds", length_class(sound.seconds)),
            ("silence", _silence(sound)),
        ]
        if sound.is_clipped:
            properties.append(("clipped", CLIPPED))
        return Facts(thumbnail=None if sound.is_silent else _thumbnail(sound), properties=tuple(properties))

    def show(self, content: Any) -> PIL.Image.Image:
        """Its spectrogram: time from left to right, low tones at the bottom."""
        levels = decibels(SPECTRUM.energies(self.decode(content).at(RATE)))
        place = (levels.T[::-1] / FLOOR + 1) * (len(PALETTE) - 1)
        colours = [np.interp(place, np.arange(len(PALETTE)), PALETTE[:, channel]) for channel in range(3)]
        return PIL.Image.fromarray(np.stack(colours, axis=-1).astype(np.uint8)).resize(SHOWN)


def decibels(energies: NDArray[np.float32], floor: float = FLOOR) -> NDArray[np.float64]:
    """Energies on a scale from -`floor` to 0, their loudest."""
    loudest = max(float(energies.max()), 1e-9)
    return np.asarray(np.maximum(20 * np.log10(np.maximum(energies / loudest, 1e-9)), -floor))


def length_class(seconds: float) -> str:
    return next((name for most, name in LENGTHS if seconds <= most), LONGER)


def rate_of(value: str) -> int:
    """Samples a second, of the property `rate`."""
    return int(value.removesuffix(HERTZ))


def _is_rate(content: tuple[Any, Any]) -> bool:
    return isinstance(content[1], (int, float, np.integer)) and not isinstance(content[1], bool)


def _opened(content: bytes) -> tuple[NDArray[np.float32], int]:
    """Samples (S, channels) and their rate."""
    import soundfile

    if not content:
        raise Unreadable("the file is empty")
    try:
        with soundfile.SoundFile(io.BytesIO(content)) as file:
            samples, rate, header = file.read(dtype="float32", always_2d=True), file.samplerate, file.extra_info
    except (soundfile.SoundFileError, RuntimeError, TypeError) as problem:
        reason = getattr(problem, "error_string", "") or str(problem)
        raise Unreadable(f"not a sound that can be read: {_beginning(content[:24])} ({reason.rstrip('.')})") from None
    except MemoryError:
        raise Unreadable("too large for the memory of this machine") from None
    if lacking := _PROMISED.search(header):
        promised, there = map(int, lacking.groups())
        if there < (1 - LACKING) * promised and promised < STREAMED:
            raise Unreadable(f"cut off: it has {there:,} of the {promised:,} bytes that its header promises")
    return samples, int(rate)


def _beginning(first: bytes) -> str:
    text = first.decode("latin-1")
    if all(character.isprintable() or character.isspace() for character in text):
        return f"starts with '{' '.join(text.split())}'"
    return f"starts with the bytes {first[:8].hex(' ')}"


def _as_floats(samples: NDArray[Any]) -> NDArray[np.float32]:
    """Samples (S,) or (S, channels) on the scale -1..1, the channels last."""
    if samples.ndim not in (1, 2) or 0 in samples.shape:
        raise Unreadable(f"samples of shape {samples.shape}; give (S,) or (S, channels)")
    if samples.ndim == 2 and samples.shape[0] < samples.shape[1]:
        samples = samples.T
    if samples.dtype.kind == "f":
        return samples.astype(np.float32)
    if samples.dtype.kind == "i":
        return (samples / -float(np.iinfo(samples.dtype).min)).astype(np.float32)
    if samples.dtype == np.uint8:
        return ((samples.astype(np.float32) - 128) / 128).astype(np.float32)
    raise Unreadable(f"samples of {samples.dtype}; give floats in -1..1 or whole numbers with a sign")


def _mixed(samples: NDArray[np.float32], rate: int) -> Sound:
    """The mean of the channels.

    Raises:
        Unreadable: too short, too long, not numbers, or an impossible rate.
    """
    if not RATES[0] <= rate <= RATES[1]:
        raise Unreadable(f"{rate} samples a second; give a rate from {RATES[0]} to {RATES[1]}")
    count, channels = len(samples), 1 if samples.ndim == 1 else samples.shape[1]
    if count < SHORTEST * rate:
        raise Unreadable(f"too short: {counted(count, 'sample', 'samples')} at {rate} Hz")
    if count > LONGEST * rate:
        raise Unreadable(f"too long: {count / rate / 3600:.1f} hours; cut it into the parts that are to be told apart")
    if not np.isfinite(samples).all():
        raise Unreadable("has values that are not numbers")
    mixed = samples if samples.ndim == 1 else samples.mean(axis=1, dtype=np.float32)
    return Sound(np.ascontiguousarray(mixed), rate, channels)


def _silence(sound: Sound) -> str:
    """Which share of the sound is silent, in words."""
    size = max(1, sound.rate // 50)
    starts = np.arange(0, len(sound.samples), size)
    share = float(np.mean(np.maximum.reduceat(np.abs(sound.samples), starts) < SILENT))
    if share == 1:
        return THROUGHOUT
    return "over half" if share > 0.5 else "10 to 50 %" if share > 0.1 else "under 10 %"


def _thumbnail(sound: Sound) -> NDArray[np.uint8]:
    """(bands x MOMENTS,): how each band rises and falls about its own mean, which tells a copy at another volume from
    another recording of the same kind of noise."""
    levels = decibels(COARSE.energies(sound.at(RATE)), THUMBNAIL_FLOOR)
    edges = np.linspace(0, len(levels), MOMENTS + 1).astype(int).tolist()
    parts = [levels[start : max(start + 1, end)].mean(axis=0) for start, end in itertools.pairwise(edges)]
    changes = np.stack(parts) - np.mean(parts, axis=0)
    return np.asarray(np.clip(128 + changes * (255 / THUMBNAIL_FLOOR), 0, 255), np.uint8).reshape(-1)
