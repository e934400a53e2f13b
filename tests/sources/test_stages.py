"""Cutting networks of three libraries into stages, and entering them in the middle, against the plain forward."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from contracts.networks import Target, open_kind, randomise, workplace
from contracts.plans import go, short_plan, unstopped
from headstart.core.errors import SourceError
from headstart.engine.cutting import cut_of
from headstart.sources import Source, open_source
from headstart.sources.images.torchvision import TorchvisionSource
from headstart.sources.network import Network
from headstart.sources.stages import belongs, cut, find_classifier

TIMM: dict[str, tuple[dict[str, Any], int, int]] = {
    "resnet18": ({}, 32, 5),
    "mobilenetv2_050": ({}, 32, 9),
    "efficientnet_b0": ({}, 32, 9),
    "vgg11": ({"mlp_ratio": 0.01}, 32, 9),
    "convnext_atto": ({}, 32, 7),
    "vit_tiny_patch16_224": ({"img_size": 32, "depth": 3}, 32, 4),
    "swin_tiny_patch4_window7_224": (
        {"img_size": 32, "window_size": 2, "embed_dim": 16, "depths": [1, 1, 1], "num_heads": [1, 2, 2]}, 32, 5,
    ),
    "densenet121": ({}, 32, 8),
    "regnety_002": ({}, 32, 5),
    "tresnet_m": ({}, 64, 5),
}  # fmt: skip
"""Architecture -> arguments, side of the input, and how many stages it has for a reader."""
TORCHVISION = {"resnet50": 5, "inception_v3": 16, "googlenet": 12, "mobilenet_v2": 19}
TRANSFORMERS: dict[str, tuple[str, dict[str, Any], int]] = {
    "ResNet": ("ResNetConfig", {"embedding_size": 8, "hidden_sizes": [8, 12, 16, 24], "depths": [1, 1, 1, 1],
                                "layer_type": "basic"}, 5),
    "ViT": ("ViTConfig", {"hidden_size": 24, "num_hidden_layers": 3, "num_attention_heads": 2,
                          "intermediate_size": 48, "image_size": 32, "patch_size": 8}, 4),
    "ConvNext": ("ConvNextConfig", {"hidden_sizes": [8, 12, 16, 24], "depths": [1, 1, 2, 1]}, 5),
    "MobileNetV2": ("MobileNetV2Config", {"depth_multiplier": 0.25, "image_size": 32}, 18),
    "Swin": ("SwinConfig", {"image_size": 32, "patch_size": 4, "embed_dim": 12, "depths": [1, 1], "num_heads": [1, 2],
                            "window_size": 4}, 3),
}  # fmt: skip


class Bare:
    """What `Network` takes from a source, for a network that was never saved."""

    def __init__(self, network: torch.nn.Module, size: int) -> None:
        from headstart.sources.description import Description, SourceCard

        blank = torch.zeros(1, 3, size, size)
        self.network = network
        classifier = find_classifier(network, lambda: network(blank))
        self.stages = cut(network, lambda: network(blank), classifier)
        self.description = Description(
            "bare", "bare", "bare", "image", "", self.stages, classifier, 7, (), {}, SourceCard()
        )

    def module(self) -> torch.nn.Module:
        import copy

        return copy.deepcopy(self.network)

    def entry(self) -> torch.nn.Module:
        class Entry(torch.nn.Module):
            def forward(self, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
                return inputs["image"].permute(0, 3, 1, 2).float() / 255

        return Entry()


def logits_of(answer: Any) -> torch.Tensor:
    return answer if isinstance(answer, torch.Tensor) else answer.logits


def assert_cut_well(source: Any, size: int, stages: int) -> None:
    """Ownership, order, shapes, and the same answer from wherever the network is entered."""
    network, plain = Network(source).eval(), source.module().eval()
    names = [stage.name for stage in source.stages]
    assert len(names) == stages == len(set(names)), names
    trunk = [(name, value.numel()) for name, value in plain.named_parameters()
             if not belongs(name, (source.description.classifier,))]  # fmt: skip
    for name, _ in trunk:
        assert sum(belongs(name, stage.owns) for stage in source.stages) == 1, name
    assert sum(count for _, count in trunk) == sum(stage.parameters for stage in source.stages)
    ran: list[str] = []
    for stage in source.stages:
        network.body.get_submodule(stage.tap).register_forward_hook(lambda *_, name=stage.name: ran.append(name))
    random = torch.Generator().manual_seed(0)
    pixels = {"image": torch.randint(0, 256, (2, size, size, 3), dtype=torch.uint8, generator=random)}
    with torch.no_grad():
        heard = network(pixels, names)
        assert ran == names
        answer = logits_of(plain(source.entry()(pixels)))
        own = plain.get_submodule(source.description.classifier)(heard[names[-1]])
        assert torch.allclose(own, answer, atol=1e-5, rtol=1e-5)
        for stage in source.stages:
            assert heard[stage.name].ndim == len(stage.shape) + 1
            entered = network(pixels, [names[-1]], (stage.name, heard[stage.name]))[names[-1]]
            assert torch.allclose(entered, heard[names[-1]], atol=1e-5, rtol=1e-5), stage.name
            assert network.can_enter(stage.name, pixels)


@pytest.mark.parametrize("architecture", TIMM)
def test_the_cut_does_not_depend_on_the_number_of_answers(architecture: str) -> None:
    """A run has other answers than its source had, and is read at the same stages."""
    arguments, size, _ = TIMM[architecture]
    few, many = (Bare(random_timm(architecture, arguments, outputs), size) for outputs in (2, 20000))
    assert [stage.owns for stage in few.stages] == [stage.owns for stage in many.stages]


def random_timm(architecture: str, arguments: dict[str, Any], outputs: int = 7) -> torch.nn.Module:
    import timm

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = timm.create_model(architecture, pretrained=False, num_classes=outputs, **arguments).eval()
        randomise(network)
    return network


@pytest.mark.parametrize("architecture", TIMM)
def test_timm(architecture: str) -> None:
    arguments, size, stages = TIMM[architecture]
    assert_cut_well(Bare(random_timm(architecture, arguments), size), size, stages)


@pytest.mark.parametrize("architecture", TORCHVISION)
def test_torchvision(architecture: str) -> None:
    source = TorchvisionSource(architecture).from_random(0)
    assert_cut_well(source, 96 if architecture == "inception_v3" else 64, TORCHVISION[architecture])


def test_vgg16_of_torchvision() -> None:
    """The largest of the usual ones, with thirteen convolutions and two dense layers as stages."""
    from torchvision import models

    with torch.random.fork_rng(devices=[]):
        network = models.vgg16(weights=None, num_classes=7).eval()
    source = Bare(network, 32)
    assert [stage.name for stage in source.stages][-2:] == ["classifier.0", "classifier.3"] and len(source.stages) == 15
    dense = Network(source).eval()
    pixels = {"image": torch.randint(0, 256, (2, 32, 32, 3), dtype=torch.uint8)}
    assert all(dense.can_enter(name, pixels) for name in ("features.28", "classifier.0"))


@pytest.fixture(scope="module")
def saved_transformers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny configurations, saved by the library itself."""
    import transformers

    root = tmp_path_factory.mktemp("transformers")
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    for name, (config, arguments, _) in TRANSFORMERS.items():
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            network = transformers.AutoModelForImageClassification.from_config(
                getattr(transformers, config)(num_labels=7, **arguments))  # fmt: skip
            randomise(network)
        network.save_pretrained(root / name)
        prepared = {
            "do_resize": True,
            "size": {"height": 32, "width": 32},
            "image_mean": [0.5] * 3,
            "image_std": [0.5] * 3,
        }
        (root / name / "preprocessor_config.json").write_text(json.dumps(prepared))
    return root


@pytest.mark.parametrize("name", TRANSFORMERS)
def test_transformers(name: str, saved_transformers: Path) -> None:
    assert_cut_well(open_source(saved_transformers / name), 32, TRANSFORMERS[name][2])


@pytest.mark.parametrize("name", ["ViT", "Swin", "ResNet"])
def test_changed_weights_go_back_under_the_names_on_disk(
    name: str, saved_transformers: Path, target: Target, tmp_path: Path
) -> None:
    """transformers renames weights when it loads them; what is saved has the names that it reads."""
    import transformers
    from safetensors.numpy import save_file

    source = open_source(saved_transformers / name)
    trained = go(short_plan("finetune", source, target, patience=0, refit=False), source, target, workplace(tmp_path))
    trained.weights = {key: value + np.float32(0.01) if value.dtype.kind == "f" else value
                       for key, value in trained.weights.items()}  # fmt: skip
    on_disk, changed = source.weights(), source.on_disk(trained.weights)
    assert changed and set(changed) <= set(on_disk)
    merged = {**on_disk, **changed}
    save_file(merged, tmp_path / "model.safetensors", metadata={"format": "pt"})
    (tmp_path / "config.json").write_text((saved_transformers / name / "config.json").read_text())
    opened = transformers.AutoModelForImageClassification.from_pretrained(tmp_path).state_dict()
    for key, value in trained.weights.items():
        assert np.array_equal(opened[key].numpy(), value), key


@pytest.mark.parametrize("name", ["ViT", "MobileNetV2"])
def test_adapting_transformers(name: str, saved_transformers: Path, target: Target, tmp_path: Path) -> None:
    source = open_source(saved_transformers / name)
    assert_adapts(source, target, tmp_path)


def test_adapting_torchvision(target: Target, tmp_path: Path) -> None:
    source = TorchvisionSource("mobilenet_v3_small").from_random(0)
    assert_adapts(source, target, tmp_path)


def assert_adapts(source: Source, target: Target, root: Path) -> None:
    """Probe, and one step of training of the last stage."""
    few = {name: examples.take(np.arange(0, len(examples), 3)) for name, examples in target.parts.items()}
    given = Target(target.table, few, target.splits)
    probe = go(short_plan("probe", source, given), source, given, workplace(root))
    plan = short_plan("finetune", source, given, epochs=0.5, freeze=source.stages[-2].name, refit=False, views=1)
    trained = go(plan, source, given, workplace(root))
    assert probe.head.weight.shape == trained.head.weight.shape == (source.stages[-1].width, 3)
    assert trained.frozen_before == trained.frozen_after


def test_networks_whose_answers_are_not_one_linear_layer_are_refused() -> None:
    from torchvision import models

    distilled = random_timm("deit_tiny_distilled_patch16_224", {"img_size": 32, "depth": 1})  # the mean of two heads
    for network in (distilled, models.squeezenet1_0(weights=None).eval()):
        with pytest.raises(SourceError, match="not those of one linear layer"):
            find_classifier(network, partial(network, torch.randn(1, 3, 32, 32)))


class Skipping(torch.nn.Module):
    """A network whose input flows past its first stage: it cannot be entered there."""

    def __init__(self) -> None:
        super().__init__()
        self.first = torch.nn.Conv2d(3, 4, 3, padding=1)
        self.second = torch.nn.Conv2d(7, 4, 3, padding=1)
        self.fc = torch.nn.Linear(4, 7)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        joined = torch.cat([self.first(pixels), pixels], dim=1)
        return self.fc(self.second(joined).mean(dim=(2, 3)))


def test_what_cannot_be_entered_is_trained_from_its_input(target: Target, tmp_path: Path, networks: Path) -> None:
    pixels = {"image": torch.randint(0, 256, (2, 32, 32, 3), dtype=torch.uint8)}
    assert not Network(Bare(Skipping().eval(), 32)).eval().can_enter("first", pixels)
    beside = Bare(random_timm("cait_xxs24_224", {"img_size": 32, "depth": 2}), 32)  # its class token goes beside
    assert [Network(beside).can_enter(stage.name, pixels) for stage in beside.stages] == [True] * 3 + [False, True]
    source = open_kind("layer norm", networks)
    plan = short_plan("finetune", source, target, freeze=source.stages[1].name)
    whole = Network(source)
    assert cut_of(plan, source, whole, target.parts["train"]) == source.stages[1].name
    whole.can_enter = lambda *_: False  # type: ignore[method-assign]
    assert cut_of(plan, source, whole, target.parts["train"]) is None
    everything = short_plan("finetune", source, target, freeze="none")
    assert cut_of(everything, source, Network(source), target.parts["train"]) is None


def test_training_from_the_cut_is_training_from_the_input(
    target: Target, tmp_path: Path, networks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Activations at the cut give the same weights as whole examples, but for the float16 they are kept in."""
    monkeypatch.setenv("HEADSTART_RUNTIME", "reference")
    monkeypatch.setattr("headstart.core.hardware.has_native_bfloat16", lambda: False)
    source = open_kind("layer norm", networks)
    plan = unstopped(short_plan("finetune", source, target, freeze=source.stages[2].name, views=1, learning_rate=3e-3))
    entered = go(plan, source, target, workplace(tmp_path))
    monkeypatch.setattr(Network, "can_enter", lambda *_: False)
    whole = go(plan, source, target, workplace(tmp_path))
    moved = 0.0
    for name, value in whole.weights.items():
        assert np.allclose(entered.weights[name], value, atol=1e-3), name
        moved = max(moved, float(np.abs(value - source.weights()[name]).max()))
    assert moved > 5e-3
