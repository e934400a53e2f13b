"""Sounds from files to a proven run, as a user would."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from tests.journeys.world import headstart

import headstart as hs
from contracts.sounds import KINDS, RATE, samples, write_sounds, write_yamnet
from contracts.texts import write_reviews
from headstart.strategies.mfcc import Mfcc, slopes, statistics


@pytest.fixture(scope="module")
def hearing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_yamnet(tmp_path_factory.mktemp("models") / "yamnet")


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sounds(tmp_path_factory.mktemp("sounds") / "kinds")


def test_a_folder_of_sounds_to_a_run_that_answers(hearing: Path, sounds: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    told = headstart("adapt", sounds, "--source", hearing, "--baseline-budget", "1", "--out", run).ok().out
    assert "MFCC statistics with a linear model" in told and "test recordings" in told
    receipt = hs.load(run).receipt
    assert {arm.name for arm in receipt.arms} == {"adapted", "majority", "plain", "scratch"}
    assert receipt.arms[0].metrics["accuracy"].value > 0.6 and "soxr" in receipt.versions
    page = (run / "receipt.html").read_text()
    assert 'src="data:image/jpeg' in page, "wrong answers are shown as spectrograms"
    new = write_sounds(tmp_path / "new", 2, first=50)
    files = [new / kind / "050.wav" for kind in KINDS]
    answers = json.loads(headstart("predict", run, *files, "--format", "json").ok().out)
    assert [answer["answer"] in KINDS for answer in answers] == [True] * 3
    in_memory = hs.load(run).predict([(samples(kind, 50), RATE) for kind in KINDS])
    assert list(in_memory) == [answer["answer"] for answer in answers]


def test_other_forms(hearing: Path, sounds: Path, tmp_path: Path) -> None:
    listing = sounds.parent / "listing.csv"
    rows = [f"kinds/{kind}/{number:03d}.wav,{kind},{number % 4}" for kind in KINDS for number in range(16)]
    listing.write_text("file,label,session\n" + "\n".join(rows))
    by_table = hs.adapt(listing, source=hearing, group="session", out=tmp_path / "table", baselines=False)
    assert by_table.receipt.target.groups
    archive = tmp_path / "sounds.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for path in sorted(sounds.rglob("*.wav")):
            packed.write(path, path.relative_to(sounds))
    hs.adapt(archive, source=hearing, out=tmp_path / "zip", baselines=False)
    found = headstart("inspect", sounds).ok().out
    assert "Rate: 16000 Hz (48)" in found and "Channels: mono (48)" in found


def test_finetuned_answers_after_opening(hearing: Path, sounds: Path, tmp_path: Path) -> None:
    options = {"epochs": 2, "freeze": "none"}
    run = hs.adapt(sounds, source=hearing, strategy="finetune", options=options, out=tmp_path / "run", baselines=False)
    new = [(samples(kind, 60), RATE) for kind in KINDS]
    assert (hs.load(tmp_path / "run").predict_proba(new) == run.predict_proba(new)).all()


def test_the_wrong_kind_of_source_is_refused(hearing: Path, sounds: Path, model: Path, tmp_path: Path) -> None:
    reviews = write_reviews(tmp_path / "reviews.csv")
    headstart("adapt", reviews, "--source", hearing).refused("takes audio and", "holds text")
    headstart("adapt", sounds, "--source", model).refused("takes text and", "holds audio")


def test_changes_are_the_slopes_of_lines_through_their_neighbours() -> None:
    values = np.random.default_rng(0).normal(size=(12, 3))
    expected = [np.polyfit(np.arange(-4, 5), values[place - 4 : place + 5], 1)[0] for place in range(4, 8)]
    assert np.allclose(slopes(values)[4:8], expected)
    assert statistics(samples("tone", 1)).shape == (80,)
    contents = [(samples(kind, 1), RATE) for kind in KINDS]
    features = Mfcc()
    fitted = features.fit(contents)
    assert np.allclose(features.transform(contents), fitted) and np.allclose(fitted.mean(axis=0), 0)
