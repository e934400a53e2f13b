"""Opening sources: names, folders, what each family says of itself, random weights, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from contracts.networks import KINDS, SIZE, Target, draw, open_kind, workplace, write_timm
from contracts.plans import go, short_plan
from headstart.core.errors import HeadstartError, SourceError
from headstart.sources import families, open_source
from headstart.sources.images.torchvision import TorchvisionSource
from headstart.sources.network import Network


@pytest.mark.parametrize("family", families.names())
def test_a_name_that_is_nowhere(family: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every registered family refuses with a sentence; none lets a library's error through."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(SourceError) as told:
        open_source(f"{family}/no-such-model-anywhere").description  # noqa: B018
    assert "no-such-model-anywhere" in str(told.value) and len(str(told.value)) > 60
    with pytest.raises(SourceError, match="names a family without a model"):
        open_source(family)


def test_names_that_are_no_family(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"There is no source 'tim/resnet18.a1_in1k'.*Did you mean timm/resnet18"):
        open_source("tim/resnet18.a1_in1k")
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(SourceError, match=r"is not a model folder.*notes\.txt"):
        open_source(tmp_path)
    with pytest.raises(SourceError, match=r"torchvision has no classifier 'resnet51'. Did you mean .*resnet50"):
        open_source("torchvision/resnet51")
    with pytest.raises(SourceError, match="has no weights 'V9'"):
        open_source("torchvision/resnet50:V9")


@pytest.mark.parametrize("file", ["pytorch_model.bin", "weights.pth", "model.ckpt"])
@pytest.mark.parametrize("config", [{"architecture": "resnet10t"}, {"model_type": "resnet"}])
def test_pickles_are_refused_by_name(file: str, config: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config))
    torch.save({"weight": torch.zeros(1)}, tmp_path / file)
    with pytest.raises(SourceError, match=rf"holds {file}, a pickle"):
        open_source(tmp_path)


def test_weights_that_do_not_fit_are_named(tmp_path: Path) -> None:
    folder = write_timm(tmp_path / "net", *KINDS["batch norm"])
    weights = load_file(folder / "model.safetensors")
    removed, first = weights.pop("fc.bias"), next(name for name in weights if name.endswith("weight"))
    save_file({**weights, "extra": removed, first: weights[first][:1]}, folder / "model.safetensors")
    with pytest.raises(SourceError, match=rf"missing: fc\.bias; not known: extra; of another shape: {first}"):
        open_source(folder).module()
    (folder / "model.safetensors").write_bytes(b"not safetensors at all")
    with pytest.raises(SourceError, match="not a whole safetensors file"):
        open_source(folder).weights()
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "architecture": "resnet10tt"}))
    with pytest.raises(SourceError, match=r"has no architecture 'resnet10tt'. Did you mean .*resnet10t"):
        open_source(folder).description  # noqa: B018
    (folder / "config.json").write_text("{")
    with pytest.raises(HeadstartError, match="is not valid JSON"):
        open_source(folder)


def test_halved_weights_are_read_as_float32(tmp_path: Path) -> None:
    folder = write_timm(tmp_path / "net", *KINDS["layer norm"])
    whole = open_source(folder).weights()
    from safetensors.torch import save_file as save_torch

    save_torch(
        {name: torch.from_numpy(value).bfloat16() for name, value in whole.items()}, folder / "model.safetensors"
    )
    state = open_source(folder).module().state_dict()
    assert all(value.dtype == torch.float32 for value in state.values())
    assert all(np.allclose(state[name], value, rtol=1e-2) for name, value in whole.items())


@pytest.mark.parametrize("kind", KINDS)
def test_prepared_as_the_library_does(kind: str, networks: Path) -> None:
    """Preparation and network together give what timm's own transform and network give."""
    import timm
    from timm.data import create_transform, resolve_data_config

    source = open_kind(kind, networks)
    folder = networks / kind.replace(" ", "-")
    own = timm.create_model(f"local-dir:{folder}", pretrained=True).eval()
    transform = create_transform(**resolve_data_config({}, model=own))
    pictures = [draw(shape, 3)[0] for shape in ("circle", "square")]
    batch = source.collate([source.prepare(picture) for picture in pictures])
    network = Network(source).eval()
    with torch.no_grad():
        expected = own(torch.stack([transform(picture) for picture in pictures]))
        heard = network({"image": torch.from_numpy(batch["image"])}, [source.stages[-1].name])
        answer = network.classifier(heard[source.stages[-1].name])
    assert torch.allclose(answer, expected, atol=2e-3), (answer - expected).abs().max()


def test_module_loads_what_lies_on_disk(networks: Path) -> None:
    for kind in KINDS:
        source = open_kind(kind, networks)
        state = source.module().state_dict()
        assert state.keys() == source.weights().keys()
        assert all(np.array_equal(state[name], value) for name, value in source.weights().items())


def test_random_weights_are_of_the_seed_alone(networks: Path) -> None:
    source = open_kind("dropout", networks)
    one, same, other = (source.from_random(seed).weights() for seed in (0, 0, 1))
    assert all(np.array_equal(one[name], same[name]) for name in one)
    assert any(not np.array_equal(one[name], other[name]) for name in one)
    assert source.from_random(0).fingerprint not in (source.fingerprint, source.from_random(1).fingerprint)
    assert source.seed is None and source.from_random(3).stages == source.stages


def test_fingerprint_is_of_content_not_of_place(tmp_path: Path) -> None:
    one = open_source(write_timm(tmp_path / "one", *KINDS["layer norm"]))
    two = open_source(write_timm(tmp_path / "two", *KINDS["layer norm"]))
    three = open_source(write_timm(tmp_path / "three", *KINDS["layer norm"], seed=1))
    assert one.fingerprint == two.fingerprint != three.fingerprint
    assert (one.name, two.name) == (str(tmp_path / "one"), str(tmp_path / "two"))


def test_published_without_a_classifier(target: Target, tmp_path: Path) -> None:
    """num_classes 0, as foundation models are: the head that is put on is ours, and nothing is drawn at random."""
    folder = write_timm(tmp_path / "net", *KINDS["dropout"], outputs=0)
    source = open_source(folder)
    assert source.description.classifier == "head" and source.stages[-1].width == 24
    torch.manual_seed(1)
    first = source.module().state_dict()
    torch.manual_seed(2)
    second = source.module().state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert first.keys() == source.weights().keys()
    trained = go(short_plan("probe", source, target, stages=source.stages[1].name), source, target, workplace(tmp_path))
    assert trained.head.weight.shape == (24, 3)


def test_another_width_than_the_library_names(tmp_path: Path) -> None:
    from headstart.sources.images.timm import create

    narrow = create("mobilenetv2_050", {"channel_multiplier": 0.25}, 3)
    wide = create("mobilenetv2_050", {}, 3)
    assert sum(p.numel() for p in narrow.parameters()) < sum(p.numel() for p in wide.parameters())
    with pytest.raises(SourceError, match="cannot be built with another width"):
        create("resnet18", {"channel_multiplier": 0.25}, 3)
    with pytest.raises(SourceError, match="cannot build 'resnet18' with"):
        create("resnet18", {"wings": 2}, 3)


@pytest.mark.parametrize("architecture", ["inception_v3", "googlenet"])
def test_inception_prepared_as_its_weights_want(architecture: str) -> None:
    """torchvision changes the input inside these networks when its weights are used; the preparation does it here."""
    from torchvision import models

    source = TorchvisionSource(architecture).from_random(0)
    published = models.get_model(architecture, weights=None, aux_logits=True, init_weights=False, transform_input=True)
    published.load_state_dict(source.module().state_dict(), strict=False)
    recipe = models.get_model_weights(architecture).DEFAULT.transforms()
    side = 96
    pixels = torch.randint(0, 256, (2, side, side, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    normal = (pixels.permute(0, 3, 1, 2) / 255 - torch.tensor(recipe.mean).view(3, 1, 1)) / torch.tensor(
        recipe.std
    ).view(3, 1, 1)
    with torch.no_grad():
        expected = published.eval()(normal)
        answer = source.module()(source.entry()({"image": pixels}))
    assert torch.allclose(answer, expected, atol=1e-4)
    opens_with = source.artefact(["a", "b", "c"], 3).opens_with
    assert "aux_logits=False" in opens_with


def test_description_is_kept_and_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_timm(tmp_path / "net", *KINDS["batch norm"])
    first = open_source(folder).description
    from headstart.sources.images.source import ImageSource

    monkeypatch.setattr(ImageSource, "_describe", lambda *_: pytest.fail("described again"))
    again = open_source(folder).description
    assert again == first and again.stage("layer2").shape == (12, SIZE // 8, SIZE // 8)


def test_models_copied_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_timm(tmp_path / "own.net", *KINDS["batch norm"])
    monkeypatch.setenv("HEADSTART_MODELS", str(tmp_path))
    assert open_source("timm/own.net").name == "timm/own.net"
