"""Speech recognition as a user does it: a recogniser from nothing, then another alphabet from it. Letters are tones."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from tests.journeys.world import headstart

import headstart as hs
from contracts.sounds import FAMILIES, RATE, encoded, write_sound_model, write_sounds

PITCHES = (350, 800, 1700)


def said(text: str, letters: str, random: np.random.Generator) -> np.ndarray:
    """Each letter a tone of a fifth of a second, with noise."""
    silence = np.zeros(RATE // 20)
    time = np.arange(int(RATE * random.uniform(0.12, 0.2))) / RATE
    tones = [np.sin(2 * np.pi * PITCHES[letters.index(letter)] * time) for letter in text]
    whole = np.concatenate([silence, *(part for tone in tones for part in (tone, silence))])
    return (0.4 * whole + random.normal(0, 0.01, len(whole))).astype(np.float32)


def write_recordings(folder: Path, letters: str, count: int) -> Path:
    random = np.random.default_rng(len(letters) + ord(letters[0]))
    folder.mkdir(parents=True)
    rows = []
    for number in range(count):
        text = "".join(random.choice(list(letters), random.integers(2, 7)))
        (folder / f"{number:03}.wav").write_bytes(encoded(said(text, letters, random)))
        rows.append((f"{number:03}.wav", text, "test" if number % 5 == 0 else "train"))
    with (folder / "recordings.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("path", "sentence", "split"), *rows])
    return folder / "recordings.csv"


@pytest.fixture(scope="module")
def recogniser(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("speech")
    target = write_recordings(place / "first", "abc", 60)
    out = place / "recogniser"
    options = ["--arch", "recogniser:width=32,blocks=2", "--epochs", "25", "--learning-rate", "0.005"]
    order = ["pretrain", target, "--objective", "speech-recognition", "--text", "sentence", "--out", out]
    headstart(*order, *options).ok()
    return out


def test_a_recogniser_starts_another_alphabet(recogniser: Path, tmp_path: Path) -> None:
    assert hs.load(recogniser).receipt.arms[0].metrics["character_accuracy"].value > 0.6
    target, run = write_recordings(tmp_path / "second", "xyz", 40), tmp_path / "run"
    order = ["adapt", target, "--task", "speech-recognition", "--text", "sentence", "--source", recogniser]
    told = headstart(*order, "--epochs", "15", "--baseline-budget", "1", "--out", run).ok().out
    assert "character accuracy" in " ".join(told.split()) and "test recordings" in told
    model = hs.load(run)
    assert model.labels == ("<blank>", "x", "y", "z")
    arms = {arm.name: arm.metrics["character_accuracy"].value for arm in model.receipt.arms}
    assert set(arms) == {"adapted", "empty", "usual", "scratch"} and arms["adapted"] > 0.8 > arms["usual"]
    found = json.loads(headstart("evaluate", run, target, "--format", "json").ok().out)
    assert found["metrics"]["character_accuracy"]["value"] == pytest.approx(arms["adapted"], abs=0.02)
    order = ["predict", run, target.parent / "000.wav", "--format", "json"]
    (answer,) = json.loads(headstart(*order).ok().out)
    shown = headstart(*order[:3]).ok().out
    assert "answer" in shown and "confidence" not in shown, "an empty column is left out"
    (searched,) = json.loads(headstart(*order, "--beams", "8").ok().out)
    assert set(answer["answer"]) <= set("xyz") and set(searched["answer"]) <= set("xyz")


def test_the_same_alphabet_is_answered_untrained(recogniser: Path, tmp_path: Path) -> None:
    target = write_recordings(tmp_path / "more", "abc", 25)
    options = {"epochs": 1}
    run = hs.adapt(
        target, source=recogniser, task="speech-recognition", content="sentence", options=options, baselines=False,
        out=tmp_path / "run",
    )  # fmt: skip
    arms = {arm.name: arm.metrics["character_accuracy"].value for arm in run.receipt.arms}
    assert arms["zero-shot"] > 0.6


def test_a_head_of_letters_is_what_transformers_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import transformers

    name, configuration, front = FAMILIES["wav2vec2"]
    del name
    monkeypatch.setitem(FAMILIES, "letters", ("Wav2Vec2ForCTC", configuration, front))
    folder = write_sound_model(tmp_path / "model", "letters")
    (folder / "vocab.json").write_text(json.dumps({"<pad>": 0, "|": 1, **{f"{n}": n for n in range(2, 10)}}))
    target = write_recordings(tmp_path / "first", "abc", 12)
    options = {"epochs": 1}
    run = hs.adapt(
        target, source=folder, task="speech-recognition", label="sentence", options=options, baselines=False,
        out=tmp_path / "run",
    )  # fmt: skip
    opened = transformers.AutoModelForCTC.from_pretrained(tmp_path / "run")
    assert opened.lm_head.out_features == 4 and opened.config.pad_token_id == 0
    assert json.loads((tmp_path / "run" / "vocab.json").read_text()) == {"<pad>": 0, "a": 1, "b": 2, "c": 3}
    assert len(run.predict([target.parent / "001.wav"])) == 1
    sounds = write_sounds(tmp_path / "kinds", 4)
    hs.adapt(sounds, source=folder, baselines=False, out=tmp_path / "whole")


def test_what_is_refused(recogniser: Path, tmp_path: Path) -> None:
    target = write_recordings(tmp_path / "first", "abc", 12)
    order = ["adapt", target, "--task", "speech-recognition", "--source", recogniser]
    headstart(*order, "--text", "sentence", "--strategy", "probe").refused("--strategy finetune")
    headstart(*order, "--text", "said").refused("said", "sentence")
    headstart(*order[:-1], "builtin/image-tiny", "--text", "sentence").refused("recogniser")


def test_transcripts_that_no_recording_has_room_for_are_told(recogniser: Path, tmp_path: Path) -> None:
    target = write_recordings(tmp_path / "first", "abc", 12)
    lines = target.read_text().splitlines()
    target.write_text("\n".join([*lines[:2], f"{lines[2].split(',')[0]},{'abc' * 200},train", *lines[3:]]))
    order = ["adapt", target, "--task", "speech-recognition", "--text", "sentence", "--source", recogniser]
    headstart(*order, "--epochs", "1", "--no-baselines", "--out", tmp_path / "run").ok()
    assert any(
        "recordings to learn from are too short" in note for note in hs.load(tmp_path / "run").receipt.target.notes
    )
