"""Sounds: formats, rates and channels, objects in memory, and one reason for each that cannot be used."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from contracts.sounds import RATE, encoded, samples, write_sounds
from headstart.data import checks
from headstart.data.contents import Unreadable
from headstart.data.duplicates import near_pairs
from headstart.data.modalities import modality_of, open_modality
from headstart.data.modalities.audio import Audio
from headstart.data.read import read

AUDIO = Audio()
TONE = samples("tone", 1, 1.5)


@pytest.mark.parametrize(("form", "subtype"), [("WAV", None), ("WAV", "FLOAT"), ("FLAC", None), ("AIFF", None)])
def test_lossless_formats_give_the_same_samples(form: str, subtype: str | None) -> None:
    sound = AUDIO.decode(encoded(TONE, form, subtype=subtype))
    assert sound.rate == RATE and np.abs(sound.samples - TONE).max() < 1e-4


@pytest.mark.parametrize(("form", "subtype"), [("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", None)])
def test_lossy_formats_are_near(form: str, subtype: str | None) -> None:
    sound = AUDIO.decode(encoded(TONE, form, subtype=subtype))
    assert sound.seconds == pytest.approx(1.5, abs=0.15)
    peaks = [np.argmax(np.abs(np.fft.rfft(values))) / len(values) for values in (sound.samples, TONE)]
    assert peaks[0] == pytest.approx(peaks[1] * RATE / sound.rate, rel=0.01)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"these are words\n", "not a sound that can be read: starts with 'these are words'"),
        (encoded(TONE)[:20], "not a sound that can be read"),
        (encoded(TONE[:1]), "too short: 1 sample at 16000 Hz"),
        (encoded(TONE[:0]), "too short: 0 samples"),
        (encoded(np.where(np.arange(len(TONE)) == 5, np.nan, TONE), subtype="FLOAT"), "not numbers"),
        ((TONE, 0), "0 samples a second"),
        (TONE, "samples without a rate"),
        ((TONE.reshape(2, 2, -1), RATE), "samples of shape"),
        ((TONE.astype(complex), RATE), "samples of complex"),
        (None, "not a sound but nothing"),
        ({"a": 1}, "not a sound but a dict"),
    ],
)
def test_what_cannot_be_used_has_one_reason(content: object, reason: str) -> None:
    assert reason in AUDIO.examine(content).problem
    with pytest.raises(Unreadable):
        AUDIO.decode(content)


@pytest.mark.parametrize("form", ["WAV", "AIFF", "AU"])
def test_files_that_are_cut_off_are_set_aside(form: str) -> None:
    whole = encoded(TONE, form)
    problem = AUDIO.examine(whole[: len(whole) // 2]).problem
    assert re.fullmatch(r"cut off: it has 2\d,\d+ of the 48,00\d bytes that its header promises", problem)
    assert not AUDIO.examine(whole[:-8]).problem, "headers are careless"


def test_a_header_written_before_its_sound_promises_nothing() -> None:
    unknown = encoded(TONE).replace((2 * len(TONE)).to_bytes(4, "little"), b"\xff" * 4, 1)
    assert AUDIO.decode(unknown).seconds == 1.5


def test_silent_and_clipped_sounds_are_noted_and_kept() -> None:
    silent = AUDIO.examine(encoded(np.zeros(RATE)))
    assert not silent.problem and dict(silent.properties)["silence"] == "all of it" and silent.thumbnail is None
    clipped = AUDIO.examine(encoded((9 * TONE).clip(-1, 1)))
    assert not clipped.problem and dict(clipped.properties)["clipped"] == "yes"
    found = dict(AUDIO.examine(encoded(TONE)).properties)
    assert found == {"rate": "16000 Hz", "channels": "mono", "seconds": "1 to 3 s", "silence": "under 10 %"}


def test_copies_are_near_and_other_recordings_are_not() -> None:
    def pairs(*contents: object) -> int:
        return len(near_pairs(np.stack([AUDIO.examine(content).thumbnail for content in contents]))[0])

    sweep = samples("sweep", 2, 2.0)
    assert pairs(encoded(sweep), encoded(0.5 * sweep), encoded(sweep, "FLAC"), (samples("sweep", 2, 2.0), RATE)) == 6
    assert pairs(*(encoded(samples("noise", number, 2.0)) for number in range(8))) == 0


def test_a_folder_with_odd_files(tmp_path: Path) -> None:
    write_sounds(tmp_path, 4)
    (tmp_path / "tone" / "empty.wav").write_bytes(b"")
    (tmp_path / "tone" / "notes.wav").write_text("a text")
    (tmp_path / "tone" / "readme.txt").write_text("a text")
    usable = checks.check(read(tmp_path))
    assert usable.table.modality == "audio" and len(usable.table) == 12
    assert {item.id for item in usable.table.quarantine} == {"tone/empty.wav", "tone/notes.wav", "tone/readme.txt"}
    assert usable.counts["rate"] == {"16000 Hz": 12} and usable.properties["seconds"]


def test_shown_as_a_spectrogram() -> None:
    picture = np.asarray(AUDIO.show(encoded(samples("tone", 3, 1.0)))).astype(int).sum(axis=2)
    assert picture.shape == (96, 240)
    assert picture.mean(axis=1).argmax() > 48, "a low tone is bright at the bottom"
    assert modality_of("a/b.OGG") == "audio" and open_modality("audio").name == "audio"
