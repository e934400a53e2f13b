"""The contracts hold for sounds, whose examples are several rows: frozen, saved, the same numbers, resumed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from contracts.networks import Target, workplace
from contracts.plans import Stopped, assert_same, go, short_plan, stop_at, watched
from contracts.sounds import make_sounds, write_sound_model, write_yamnet
from contracts.test_frozen import assert_frozen
from contracts.test_saved import assert_opens_alike
from headstart.core.errors import StrategyError
from headstart.engine.predict import scores
from headstart.sources import Source, open_source
from headstart.sources.sounds import recogniser
from headstart.strategies import Target as StrategyTarget
from headstart.strategies import strategies
from headstart.strategies.finetune import Finetune
from headstart.tasks.speech_recognition import SpeechRecognition
from headstart.verbs import artefact


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Target:
    return make_sounds(tmp_path_factory.mktemp("sounds"))


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return open_source(write_yamnet(tmp_path_factory.mktemp("models") / "yamnet"))


@pytest.mark.parametrize("name", strategies.names())
def test_frozen_and_the_same_numbers(name: str, heard: Source, sounds: Target, tmp_path: Path) -> None:
    plan = short_plan(name, heard, sounds)
    one = go(plan, heard, sounds, workplace(tmp_path / "one"))
    assert_frozen(plan, heard, one, sounds)
    assert_same(one, go(plan, heard, sounds, workplace(tmp_path / "two")))
    test = sounds.splits.test.examples
    first, second = (scores(one, test, workplace(tmp_path / place).bank)["label"] for place in ("one", "three"))
    assert np.array_equal(first, second) and first.shape == (len(test), 3)


def test_saved_and_opened(heard: Source, sounds: Target, tmp_path: Path) -> None:
    trained = go(short_plan("finetune", heard, sounds, freeze="none"), heard, sounds, workplace(tmp_path))
    (tmp_path / "run").mkdir()
    artefact.write(tmp_path / "run", trained)
    assert_opens_alike(trained, tmp_path / "run")
    opened = open_source(tmp_path / "run")
    assert opened.description.labels == ("noise", "sweep", "tone")
    assert [stage.owns for stage in opened.stages] == [stage.owns for stage in heard.stages]


def test_resumed(heard: Source, sounds: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = short_plan("finetune", heard, sounds, freeze="none", views=0)
    whole = go(plan, heard, sounds, workplace(tmp_path / "whole", "state"))
    with watched(monkeypatch, stop_at(3)), pytest.raises(Stopped):
        go(plan, heard, sounds, workplace(tmp_path / "part", "state"))
    assert_same(whole, go(plan, heard, sounds, workplace(tmp_path / "part", "state")))


@pytest.mark.parametrize("mix", ["mixup", "cutmix"])
def test_sounds_are_mixed(mix: str, heard: Source, sounds: Target, tmp_path: Path) -> None:
    plain, plan = (short_plan("finetune", heard, sounds, freeze="none", mix=way) for way in ("none", mix))
    trained = go(plan, heard, sounds, workplace(tmp_path / "mixed"))
    assert_same(trained, go(plan, heard, sounds, workplace(tmp_path / "again")))
    alone = go(plain, heard, sounds, workplace(tmp_path / "plain"))
    assert not np.array_equal(trained.head.weight, alone.head.weight)


def test_samples_have_no_boxes_and_transcripts_no_mixture(sounds: Target, tmp_path: Path) -> None:
    waves = open_source(write_sound_model(tmp_path / "waves", "wav2vec2"))
    with pytest.raises(StrategyError, match="mix=mixup"):
        short_plan("finetune", waves, sounds, mix="cutmix")
    recogniser.write(tmp_path / "model", recogniser.Architecture(width=16, blocks=1), ("<blank>", "q"), 0)
    task = SpeechRecognition("label", ("<blank>", "a"))
    with pytest.raises(StrategyError, match="Leave mix out"):
        Finetune(mix="mixup").plan(open_source(tmp_path / "model").reading("places"), task, StrategyTarget(9, 1), 0)
