"""The contracts hold for sounds, whose examples are several rows: frozen, saved, the same numbers, resumed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from contracts.networks import Target, workplace
from contracts.plans import Stopped, assert_same, go, short_plan, stop_at, watched
from contracts.sounds import make_sounds, write_yamnet
from contracts.test_frozen import assert_frozen
from contracts.test_saved import assert_opens_alike
from headstart.engine.predict import scores
from headstart.sources import Source, open_source
from headstart.strategies import strategies
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
