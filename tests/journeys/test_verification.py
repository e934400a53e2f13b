"""Voices that nobody has learned, judged by pairs, as a user does it; and the demo's sounds."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from tests.journeys.world import headstart

from contracts.sounds import RATE, encoded
from headstart.verbs.demo_sounds import EACH, SONGS, songs
from headstart.verbs.verify import verify


def write_voices(folder: Path, pitches: dict[str, float]) -> Path:
    """A table of buzzing voices, each with its own pitch and sessions."""
    folder.mkdir()
    lines = ["path,speaker,session"]
    for name, pitch in pitches.items():
        for number in range(12):
            random = np.random.default_rng([int(pitch), number])
            time = np.arange(int(random.uniform(0.4, 1.0) * RATE)) / RATE
            voice = sum(np.sin(2 * np.pi * pitch * (1 + 0.03 * random.normal()) * n * time) / n for n in range(1, 8))
            noisy = 0.2 * voice + random.normal(0, 0.05, len(time))
            (folder / f"{name}{number}.wav").write_bytes(encoded(noisy.astype(np.float32)))
            lines.append(f"{name}{number}.wav,{name},{name}{number % 4}")
    (folder / "voices.csv").write_text("\n".join(lines))
    return folder / "voices.csv"


def test_unknown_voices_are_told_apart(tmp_path: Path) -> None:
    source = "builtin/audio-tiny"
    known = write_voices(tmp_path / "known", {"ann": 120, "bob": 260, "cid": 500})
    new = write_voices(tmp_path / "new", {"dan": 170, "eve": 420})
    run = tmp_path / "run"
    order = ["adapt", known, "--label", "speaker", "--group", "session", "--source", source, "--no-baselines"]
    headstart(*order, "--out", run).ok()
    told = json.loads(headstart("evaluate", run, new, "--label", "speaker", "--verify", "--format", "json").ok().out)
    found = told["metrics"]["equal_error_rate"]
    assert told["items"] == 24 and 0 <= found["low"] <= found["value"] <= found["high"] and found["value"] < 0.4
    few, features = told["notes"]
    assert few.startswith("There are 2 labels only") and "what its head learned has no part" in features
    told = json.loads(headstart("evaluate", run, known, "--label", "speaker", "--verify", "--format", "json").ok().out)
    assert told["notes"][-1].startswith("3 of the 3 labels were learned from, such as ann,")
    bare = verify(source, new, label="speaker").metrics["equal_error_rate"].value
    assert bare < 0.5
    told = json.loads(headstart("evaluate", source, new, "--label", "speaker", "--verify", "--format", "json").ok().out)
    assert told["metrics"]["equal_error_rate"]["value"] == bare
    headstart("evaluate", run, new, "--label", "speaker").refused("was not among the training labels")
    new.write_text("\n".join(line for line in new.read_text().splitlines() if ",eve," not in line))
    headstart("evaluate", run, new, "--label", "speaker", "--verify").refused("dan", "one class")


def test_the_songs_of_the_demo() -> None:
    recordings, names = songs()
    assert len(recordings) == len(names) == EACH * len(SONGS)
    assert all(0.3 < len(samples) / rate < 2 and np.abs(samples).max() < 1 for samples, rate in recordings)
