"""An image source that is given sounds; new sources of sound, from architectures of timm and a teacher's layers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from tests.journeys.world import headstart

import headstart as hs
from contracts.networks import KINDS as NETWORKS
from contracts.networks import write_timm
from contracts.sounds import KINDS, RATE, samples, write_sounds, write_yamnet
from headstart.sources import open_source
from headstart.verbs.pretrain import Pretraining, pretrain


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sounds(tmp_path_factory.mktemp("sounds") / "kinds", 10)


def test_an_image_source_hears(sounds: Path, tmp_path: Path) -> None:
    folder = write_timm(tmp_path / "model", *NETWORKS["batch norm"])
    run = tmp_path / "run"
    told = headstart("adapt", sounds, "--source", folder, "--no-baselines", "--out", run).ok().out
    assert "test recordings" in told
    new = [(samples(kind, 60), RATE) for kind in KINDS]
    model = hs.load(run)
    assert model.source.description.modality == "audio" and set(model.predict(new)) <= set(KINDS)
    picture = model.source.prepare(new[1])["parts"]
    assert picture.shape[1:] == (32, 32) and picture.min() >= 0 and picture.max() <= 1
    loud, soft = (model.source.prepare((factor * new[1][0], RATE))["parts"] for factor in (1, 0.25))
    assert np.allclose(loud, soft, atol=1e-4), "pictures do not depend on the volume"
    again = hs.adapt(sounds, source=run, strategy="finetune", options={"epochs": 1, "freeze": "none"}, baselines=False,
                     out=tmp_path / "again")  # fmt: skip
    assert (hs.load(again.folder).predict_proba(new) == again.predict_proba(new)).all()
    network = timm.create_model(f"local-dir:{again.folder}", pretrained=True).eval()
    with torch.no_grad():
        found = network(torch.zeros(1, 3, 32, 32))
    assert found.shape == (1, len(KINDS))


def test_sources_of_sound_are_taught(sounds: Path, tmp_path: Path) -> None:
    teacher = write_yamnet(tmp_path / "teacher")
    recipe = Pretraining(arch="shortened:layers=2", epochs=1, batch=8, views=2)
    shorter = pretrain(sounds, out=tmp_path / "shorter", recipe=recipe, teacher=teacher)
    assert [stage.name for stage in shorter.stages] == ["layer1", "layer2"]
    assert set(shorter.description.labels) == set(KINDS)
    ours, theirs = shorter.weights(), open_source(teacher).weights()
    near = [np.abs(ours[name] - theirs[name]).max() for name in ours if not name.startswith("classifier")]
    assert 0 < max(near) < 0.1, "it began as the teacher's first layers, and was taught"
    recipe = Pretraining(arch="resnet10t:channels=[8-12-16-24]", size=32, epochs=1, batch=8, views=1)
    pictures = pretrain(sounds, out=tmp_path / "pictures", recipe=recipe)
    assert pictures.description.modality == "audio" and pictures.description.labels
    hs.adapt(sounds, source=tmp_path / "pictures", baselines=False, out=tmp_path / "run")
