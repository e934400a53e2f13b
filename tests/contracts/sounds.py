"""Generated sounds: tones, sweeps and noise, as samples and as files."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

RATE = 16_000
KINDS = ("tone", "sweep", "noise")


def samples(kind: str, number: int, seconds: float = 0.0, rate: int = RATE) -> np.ndarray:
    """One sound (S,) as floats; `number` chooses its pitch, volume and length."""
    random = np.random.default_rng([number, len(kind)])
    length = seconds or float(random.uniform(0.5, 2.2))
    time = np.arange(int(length * rate)) / rate
    pitch = random.uniform(200, 900)
    if kind == "tone":
        wave = np.sin(2 * np.pi * pitch * time)
    elif kind == "sweep":
        wave = np.sin(2 * np.pi * (pitch + 700 * time) * time)
    else:
        wave = random.normal(0, 0.4, len(time))
    rise = np.minimum(1, time / random.uniform(0.02, 0.3))
    hiss = random.normal(0, 0.01, len(time))
    return (0.5 * random.uniform(0.4, 1) * rise * wave + hiss).clip(-0.99, 0.99).astype(np.float32)


def encoded(values: np.ndarray, form: str = "WAV", rate: int = RATE, subtype: str | None = None) -> bytes:
    """The bytes of a file."""
    import soundfile

    stream = io.BytesIO()
    soundfile.write(stream, values, rate, format=form, subtype=subtype)
    return stream.getvalue()


def write_sounds(folder: Path, count: int = 16, first: int = 0, form: str = "wav") -> Path:
    """A folder for each kind of sound with `count` files each."""
    for kind in KINDS:
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for number in range(first, first + count):
            (folder / kind / f"{number:03d}.{form}").write_bytes(encoded(samples(kind, number), form.upper()))
    return folder
