"""Sentences and words spoken by espeak-ng (apt-get install espeak-ng): many voices, speeds and pitches."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

RATE = 16_000
VARIANTS = ("", "+m1", "+m2", "+m3", "+m4", "+m5", "+m6", "+m7", "+f1", "+f2", "+f3", "+f4", "+f5", "+croak")


@dataclass(frozen=True)
class Voice:
    """As espeak-ng takes it."""

    name: str
    """Language and variant, such as en-us+f3."""
    speed: int
    """Words a minute."""
    pitch: int
    """0 to 99."""


def some_voice(languages: tuple[str, ...], random: np.random.Generator) -> Voice:
    language, variant = random.choice(languages), random.choice(VARIANTS)
    return Voice(f"{language}{variant}", int(random.integers(115, 215)), int(random.integers(15, 85)))


def spoken(text: str, voice: Voice) -> NDArray[np.float32]:
    """Samples (S,) at 16 kHz, without the silence around them."""
    if shutil.which("espeak-ng") is None:
        sys.exit("espeak-ng is not here. Install it: apt-get install espeak-ng")
    order = ["espeak-ng", "-v", voice.name, "-s", str(voice.speed), "-p", str(voice.pitch), "--stdout", text]
    samples, rate = soundfile.read(io.BytesIO(subprocess.run(order, capture_output=True, check=True).stdout))
    loud = np.flatnonzero(np.abs(samples) > 0.01)
    if not len(loud):
        return np.zeros(RATE // 10, np.float32)
    margin = rate // 40
    return np.asarray(soxr.resample(samples[max(0, loud[0] - margin) : loud[-1] + margin], rate, RATE), np.float32)
