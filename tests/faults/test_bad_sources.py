"""Sources that are misspelt, damaged, or not what they say."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.journeys.world import Outcome, headstart


@pytest.fixture
def copy(source: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(source, tmp_path / "copy"))


def adapt(pictures: Path, source: str | Path, tmp_path: Path) -> Outcome:
    """The attempt, which leaves no run."""
    ended = headstart("adapt", pictures, "-s", source, "--no-baselines", "-o", tmp_path / "run")
    assert not (tmp_path / "run").exists()
    return ended


@pytest.mark.parametrize(("name", "parts"), [
    ("tim/resnet50", ["no source 'tim/resnet50'", "timm/resnet50.a1_in1k"]),
    ("resnet50", ["no source 'resnet50'", "resnet50"]),
    ("timm", ["names a family without a model", "timm/NAME"]),
    ("torchvision/resnet5", ["'resnet5'", "resnet50"]),
    ("builtin/image-tny", ["image-tny"]),
    ("timm/resnet5", ["timm/resnet5", "headstart sources"]),
    ("hf/nobody/nothing-at-all", ["hf/nobody/nothing-at-all", "headstart sources"]),
    ("hf/a b c", ["hf/a b c"]),
])  # fmt: skip
def test_names(name: str, parts: list[str], pictures: Path, tmp_path: Path) -> None:
    adapt(pictures, name, tmp_path).refused(*parts)


def test_a_misspelt_source_is_refused_before_any_picture_is_read(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from headstart.data import checks

    def check(*_: object, **__: object) -> object:
        raise AssertionError("the contents were read")

    monkeypatch.setattr(checks, "check", check)
    adapt(pictures, "tim/resnet50", tmp_path).refused("no source")


def test_a_folder_that_is_no_model(pictures: Path, tmp_path: Path) -> None:
    adapt(pictures, pictures, tmp_path).refused(f"{pictures} is not a model folder", "circle, square")


def test_weights_that_are_cut_or_flipped(pictures: Path, copy: Path, tmp_path: Path) -> None:
    path = copy / "model.safetensors"
    whole = path.read_bytes()
    for damaged in (whole[:-100], whole[:4], b"", bytes([whole[0] ^ 0xFF]) + whole[1:], _flipped(whole, 12)):
        path.write_bytes(damaged)
        adapt(pictures, copy, tmp_path).refused(str(path), "not a whole safetensors file")


def test_a_pickle_is_never_opened(pictures: Path, copy: Path, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "opened",)

    path = copy / "model.safetensors"
    path.write_bytes(pickle.dumps(Trap()))
    adapt(pictures, copy, tmp_path).refused(str(path), "not a whole safetensors file")
    path.rename(copy / "pytorch_model.bin")
    adapt(pictures, copy, tmp_path).refused("pytorch_model.bin, a pickle", "safetensors")
    (copy / "pytorch_model.bin").unlink()
    adapt(pictures, copy, tmp_path).refused(f"{copy} has no model.safetensors")
    assert not (tmp_path / "opened").exists()


@pytest.mark.parametrize(("changes", "parts"), [
    ({"num_classes": 9}, ["do not fit", "fc.weight"]),
    ({"model_args": {"channels": [8, 16, 32, 48]}}, ["do not fit"]),
    ({"model_args": {"chanels": [8, 16, 32, 64]}}, ["cannot build 'resnet10t'", "chanels"]),
    ({"architecture": "resnet10x"}, ["no architecture 'resnet10x'", "resnet10t"]),
    ({"architecture": "resnet18"}, ["do not fit"]),
])  # fmt: skip
def test_a_configuration_that_does_not_belong_to_the_weights(
    changes: dict[str, object], parts: list[str], pictures: Path, copy: Path, tmp_path: Path
) -> None:
    path = copy / "config.json"
    document = {**json.loads(path.read_text()), **changes}
    if document["architecture"] == "resnet18":
        del document["model_args"]
    path.write_text(json.dumps(document))
    adapt(pictures, copy, tmp_path).refused(*parts)


def test_a_configuration_that_is_no_json(pictures: Path, copy: Path, tmp_path: Path) -> None:
    (copy / "config.json").write_text("{")
    adapt(pictures, copy, tmp_path).refused(str(copy / "config.json"), "not valid JSON")


def test_a_network_without_a_linear_classifier(pictures: Path, tmp_path: Path) -> None:
    """Its classifier is a convolution, whose place a solved head cannot take."""
    import timm
    from safetensors.torch import save_file

    folder = tmp_path / "convolution"
    folder.mkdir()
    options = {"channels": [8, 16, 32, 64], "stem_chs": 8}
    network = timm.create_model("resnetv2_18", num_classes=3, **options)
    save_file({name: value.contiguous() for name, value in network.state_dict().items()}, folder / "model.safetensors")
    document = {
        "architecture": "resnetv2_18", "num_classes": 3, "model_args": options,
        "pretrained_cfg": {"input_size": [3, 32, 32]},
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(document))
    adapt(pictures, folder, tmp_path).refused("linear classifier")


def _flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
