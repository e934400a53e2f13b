"""Sounds from formulas: tones, glides, noises, pulses, clicks, resonances, in rooms and with each other.

Each kind has parameters that are drawn anew for every sound. No recording is used.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import signal

RATE = 16_000
Samples = NDArray[np.float64]
KINDS = (
    "tone", "chord", "rising", "falling", "wobble", "buzz", "voiced glide", "voiced bursts", "white noise",
    "pink noise",
    "brown noise", "band of noise", "swelling noise", "fluttering noise", "noise bursts", "clicks", "regular clicks",
    "crackle", "dense drops", "pulses", "slow engine", "fast engine", "bell", "knocks", "siren", "quiet",
)  # fmt: skip


def sound(kind: str, length: int, random: np.random.Generator) -> Samples:
    """`length` samples of a kind, loudest 1."""
    time = np.arange(length) / RATE
    made = _made(kind, time, random)
    return made / max(1e-9, float(np.abs(made).max()))


def _made(kind: str, time: Samples, random: np.random.Generator) -> Samples:
    pitch, share = _between(80, 2500, random), random.uniform()
    if kind == "tone":
        return _harmonics(np.full_like(time, pitch), random.integers(1, 4)) * _fade(time, random)
    if kind == "chord":
        return sum((_harmonics(np.full_like(time, pitch * ratio), 3) for ratio in (1, 1.26, 1.5)), np.zeros_like(time))
    if kind in ("rising", "falling"):
        ends = sorted((_between(80, 3000, random), _between(80, 3000, random)), reverse=kind == "falling")
        return _harmonics(np.geomspace(*ends, len(time)), random.integers(1, 6)) * _fade(time, random)
    if kind in ("wobble", "siren"):
        rate, depth = (_between(4, 12, random), 0.05) if kind == "wobble" else (_between(0.3, 2, random), 0.5)
        return _harmonics(pitch * np.exp(depth * np.sin(2 * np.pi * rate * time)), random.integers(1, 8))
    if kind == "buzz":
        return signal.lfilter(*_resonance(random), _harmonics(_wandering(time, pitch / 8, random), 30))
    if kind in ("voiced glide", "voiced bursts"):
        voice = _harmonics(_wandering(time, _between(120, 700, random), random), 20)
        for _ in range(2):
            voice = signal.lfilter(*_resonance(random), voice)
        return voice * (_fade(time, random) if kind == "voiced glide" else _bursts(time, random))
    if kind in ("white noise", "pink noise", "brown noise", "band of noise", "swelling noise", "fluttering noise",
                "noise bursts", "quiet"):  # fmt: skip
        return _noise(kind, time, random)
    if kind in ("clicks", "regular clicks", "crackle", "dense drops", "knocks", "bell"):
        return _struck(kind, time, random)
    rate = {"pulses": _between(30, 120, random), "slow engine": _between(8, 30, random)}.get(kind, 40 + 160 * share)
    rates = _wandering(time, rate, random)
    pulse = np.exp(4 * (np.cos(2 * np.pi * np.cumsum(rates) / RATE) - 1))
    return signal.lfilter(*_resonance(random), pulse * (0.5 + random.normal(size=len(time))))


def _noise(kind: str, time: Samples, random: np.random.Generator) -> Samples:
    white = random.normal(size=len(time))
    if kind in ("pink noise", "brown noise"):
        spectrum = np.fft.rfft(white)
        spectrum /= np.maximum(1, np.arange(len(spectrum))) ** (0.5 if kind == "pink noise" else 1)
        return np.fft.irfft(spectrum, len(time))
    if kind == "band of noise":
        return signal.lfilter(*_resonance(random), white)
    coloured = signal.lfilter(*_resonance(random), white) + random.uniform(0, 0.3) * white
    if kind == "swelling noise":
        return coloured * (0.1 + np.sin(np.pi * (_between(0.2, 1.5, random) * time + random.uniform())) ** 2)
    if kind == "fluttering noise":
        return coloured * np.maximum(0, np.sin(2 * np.pi * _between(6, 25, random) * time)) ** random.uniform(0.5, 3)
    if kind == "noise bursts":
        return coloured * _bursts(time, random)
    return coloured * 0.01


def _struck(kind: str, time: Samples, random: np.random.Generator) -> Samples:
    """Impulses at random or even moments, each ringing in some resonances."""
    a_second = {"clicks": 4, "regular clicks": 3, "crackle": 40, "dense drops": 900, "knocks": 4, "bell": 1}[kind]
    hits = np.zeros_like(time)
    if kind == "regular clicks":
        hits[int(random.integers(1, 4000)) :: int(RATE / _between(1.5, 9, random))] = 1
    else:
        count = max(1, random.poisson(a_second * random.uniform(0.5, 2) * len(time) / RATE))
        hits[random.integers(0, len(time), count)] = random.exponential(size=count)
    if kind == "bell":
        rings = np.exp(-time[:, None] * random.uniform(2, 12, 6)) * np.sin(
            2 * np.pi * time[:, None] * _between(200, 1500, random) * random.uniform(1, 5, 6)
        )
        return signal.fftconvolve(hits, rings.sum(axis=1))[: len(time)]
    ring = np.exp(-time * _between(30 if kind == "knocks" else 200, 2000, random))
    tone = np.cos(2 * np.pi * _between(100, 1000 if kind == "knocks" else 6000, random) * time)
    noisy = random.uniform(0, 1) * random.normal(size=len(time))
    return signal.fftconvolve(hits, (ring * (tone + noisy))[: RATE // 4])[: len(time)]


def _harmonics(pitches: Samples, count: int) -> Samples:
    phase = 2 * np.pi * np.cumsum(pitches) / RATE
    below = pitches.max() * np.arange(1, count + 1) < RATE / 2
    return np.asarray(sum((np.sin(n * phase) / n for n in np.arange(1, count + 1)[below]), np.zeros_like(phase)))


def _wandering(time: Samples, middle: float, random: np.random.Generator) -> Samples:
    knots = middle * np.exp(random.normal(0, 0.25, 5))
    return np.interp(time, np.linspace(0, time[-1], 5), knots)


def _resonance(random: np.random.Generator) -> tuple[Samples, Samples]:
    return signal.iirpeak(_between(150, 6000, random), random.uniform(0.7, 6), fs=RATE)  # type: ignore[no-any-return]


def _bursts(time: Samples, random: np.random.Generator) -> Samples:
    envelope = np.zeros_like(time)
    for start in random.uniform(0, time[-1] * 0.8, random.integers(1, 4)):
        behind = np.maximum(0, time - start)
        envelope += np.exp(-behind * _between(6, 30, random)) * (1 - np.exp(-behind * 200))
    return envelope


def _fade(time: Samples, random: np.random.Generator) -> Samples:
    return np.interp(time / time[-1], (0, random.uniform(0.02, 0.4), random.uniform(0.5, 0.98), 1), (0, 1, 1, 0))


def _between(low: float, high: float, random: np.random.Generator) -> float:
    """Evenly on a scale of ratios."""
    return float(np.exp(random.uniform(np.log(low), np.log(high))))


def in_a_room(samples: Samples, random: np.random.Generator) -> Samples:
    """With echoes that fade within some tenths of a second."""
    tail = np.exp(-np.arange(RATE // 2) / RATE * _between(8, 60, random)) * random.normal(size=RATE // 2)
    tail *= random.uniform(0.02, 0.2)
    tail[0] = 1
    return signal.fftconvolve(samples, tail)[: len(samples)]


def recorded(samples: Samples, random: np.random.Generator) -> Samples:
    """As some microphone hears it: at times in a room, over a telephone, beside noise; louder or softer."""
    heard = samples
    if random.uniform() < 0.4:
        heard = in_a_room(heard, random)
    if random.uniform() < 0.4:  # 8000 samples a second, as telephones have
        heard = signal.sosfilt(signal.butter(8, random.uniform(3200, 3900), fs=RATE, output="sos"), heard)
    loud = float(np.abs(heard).max()) + 1e-9
    if random.uniform() < 0.6:
        kind = str(random.choice(("white noise", "pink noise", "brown noise", "band of noise")))
        heard = heard + sound(kind, len(heard), random) * loud * 10 ** (-random.uniform(8, 40) / 20)
    return heard / (float(np.abs(heard).max()) + 1e-9) * 10 ** (-random.uniform(0, 26) / 20)
