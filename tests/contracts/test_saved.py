"""What is saved is what was trained: opened again, by us and by the source's own library, it has the same weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from contracts.networks import KINDS, Target, open_kind, randomise, workplace
from contracts.plans import go, short_plan, unstopped
from headstart.engine.trained import Trained
from headstart.sources import Source, open_source
from headstart.verbs import artefact


def trained_on(source: Source, target: Target, root: Path) -> Trained:
    return go(unstopped(short_plan("finetune", source, target)), source, target, workplace(root))


def assert_opens_alike(trained: Trained, folder: Path) -> None:
    before, after = trained.source.module().state_dict(), open_source(folder).module().state_dict()
    assert before.keys() == after.keys()
    classifier = trained.source.description.classifier
    for name, value in after.items():
        if name.startswith(f"{classifier}."):
            continue
        expected = trained.weights.get(name, before[name].numpy())
        assert np.array_equal(value.numpy(), expected), name
    assert np.array_equal(after[f"{classifier}.weight"].numpy(), trained.head.weight.T.astype(np.float32))
    assert any(not np.array_equal(value, before[name].numpy()) for name, value in trained.weights.items())


@pytest.mark.parametrize("kind", KINDS)
def test_networks_of_timm(kind: str, networks: Path, target: Target, tmp_path: Path) -> None:
    import timm

    trained = trained_on(open_kind(kind, networks), target, tmp_path)
    (tmp_path / "run").mkdir()
    opens_with = artefact.write(tmp_path / "run", trained)
    assert_opens_alike(trained, tmp_path / "run")
    assert opens_with == "timm.create_model('local-dir:.', pretrained=True)"  # in the run's folder
    state = timm.create_model(f"local-dir:{tmp_path / 'run'}", pretrained=True).state_dict()
    assert all(np.array_equal(state[name].numpy(), value) for name, value in trained.weights.items())


def test_stages_are_read_alike_in_the_run(networks: Path, target: Target, tmp_path: Path) -> None:
    """Three answers instead of the source's five do not change where it is cut."""
    for kind in KINDS:
        source = open_kind(kind, networks)
        trained = trained_on(source, target, tmp_path)
        folder = tmp_path / kind
        folder.mkdir()
        artefact.write(folder, trained)
        assert [stage.owns for stage in open_source(folder).stages] == [stage.owns for stage in source.stages]


def test_a_network_that_its_library_renames_on_loading(target: Target, tmp_path: Path) -> None:
    import transformers

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    config = transformers.ViTConfig(
        hidden_size=24, num_hidden_layers=2, num_attention_heads=2, intermediate_size=48, image_size=32, patch_size=8
    )
    network = transformers.AutoModelForImageClassification.from_config(config)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        randomise(network)
    network.save_pretrained(tmp_path / "vit")
    prepared = {"size": {"height": 32, "width": 32}, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    (tmp_path / "vit" / "preprocessor_config.json").write_text(json.dumps(prepared))
    trained = trained_on(open_source(tmp_path / "vit"), target, tmp_path)
    (tmp_path / "run").mkdir()
    artefact.write(tmp_path / "run", trained)
    assert_opens_alike(trained, tmp_path / "run")
