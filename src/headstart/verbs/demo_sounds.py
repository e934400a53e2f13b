"""Sounds that are on every machine: songs of birds that do not exist, from formulas, each by another bird in wind."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
EACH = 50
"""Songs of each kind."""
PITCHES = (1200.0, 3200.0)
"""Hz; every kind has high voices and low ones, so that its tune is what tells it."""
LOUDEST_WIND = 0.9
Note = tuple[float, float, float]
"""Pitch at its beginning and at its end, as shares of the bird's own, and seconds."""
SONGS: dict[str, tuple[Note, ...]] = {
    "caller": ((1.0, 1.0, 0.2), (0.75, 0.75, 0.3)),
    "answerer": ((0.75, 0.75, 0.3), (1.0, 1.0, 0.2)),
    "piper": ((1.0, 1.3, 0.12),) * 3,
    "sigher": ((1.3, 0.9, 0.18),) * 2,
    "warbler": ((0.9, 1.15, 0.06), (1.15, 0.9, 0.06)) * 4,
    "climber": ((0.7, 0.7, 0.1), (0.85, 0.85, 0.1), (1.0, 1.0, 0.1), (1.2, 1.2, 0.1)),
}
GAP = 0.04
"""Seconds between notes."""


def songs() -> tuple[list[tuple[NDArray[np.float32], int]], list[str]]:
    """Recordings as (samples, rate), and who sings."""
    named = [name for name in SONGS for _ in range(EACH)]
    return [(song(name, number), RATE) for number, name in enumerate(named)], named


def song(name: str, number: int) -> NDArray[np.float32]:
    """The samples (S,) of bird `number` of a kind."""
    random = np.random.default_rng([5, number])
    pitch, tempo = np.exp(random.uniform(*np.log(PITCHES))), random.uniform(0.8, 1.25)
    silence = np.zeros(int(GAP * tempo * RATE))
    parts = [part for note in SONGS[name] for part in (_sung(note, pitch, tempo, random), silence)]
    whole = np.concatenate([np.zeros(int(random.uniform(0.02, 0.3) * RATE)), *parts, silence])
    wind = np.convolve(random.normal(size=len(whole) + 7), np.ones(8) / 8, mode="valid")
    return np.asarray(0.25 * (whole + random.uniform(0.1, LOUDEST_WIND) * wind), np.float32)


def _sung(note: Note, pitch: float, tempo: float, random: np.random.Generator) -> NDArray[np.float64]:
    begin, end, seconds = note
    count = int(seconds * tempo * RATE)
    pitches = pitch * np.geomspace(begin, end, count) * (1 + 0.01 * random.normal())
    swell = np.sin(np.pi * np.linspace(0, 1, count)) ** 0.5
    phase = 2 * np.pi * np.cumsum(pitches) / RATE
    return np.asarray(swell * (np.sin(phase) + 0.3 * np.sin(2 * phase)))
