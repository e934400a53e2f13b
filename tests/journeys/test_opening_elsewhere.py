"""A run's folder opens with the source's own library, and answers as it does here."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import numpy as np
import pytest
from numpy.typing import NDArray
from tests.journeys.world import CHANNELS, PIXELS, headstart, make_pictures

import headstart as hs

REPOSITORY = Path(__file__).resolve().parents[2]
TOLERANCE = 1e-4
"""Of logits, in float32."""


@pytest.fixture(autouse=True)
def _float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADSTART_RUNTIME", "reference")


@pytest.fixture
def unseen(tmp_path: Path) -> Path:
    """Pictures without losses of compression, so that every decoder reads the same pixels."""
    return make_pictures(tmp_path / "unseen", count=4, first=60, ending="png")


def own_logits(run: Path, folder: Path) -> NDArray[np.float64]:
    return hs.load(run).answer(folder).predictions.scores


@pytest.mark.parametrize("way", ["probed", "finetuned"])
def test_timm_opens_a_run_and_answers_alike(way: str, unseen: Path, request: pytest.FixtureRequest) -> None:
    import timm
    import torch
    from PIL import Image

    run: Path = request.getfixturevalue(way)
    network = timm.create_model(f"local-dir:{run}", pretrained=True).eval()
    transform = timm.data.create_transform(**timm.data.resolve_model_data_config(network), is_training=False)
    pictures = [Image.open(path).convert("RGB") for path in sorted(unseen.rglob("*.png"))]
    with torch.no_grad():
        theirs = network(torch.stack([transform(picture) for picture in pictures])).double().numpy()
    assert np.abs(own_logits(run, unseen) - theirs).max() < TOLERANCE * max(1.0, np.abs(theirs).max())
    assert network.pretrained_cfg["label_names"] == ["circle", "square"]


def make_transformers(folder: Path, kind: str) -> Path:
    import torch
    import transformers

    torch.manual_seed(0)
    if kind == "resnet":
        config: object = transformers.ResNetConfig(
            embedding_size=8, hidden_sizes=CHANNELS, depths=[1, 1, 1, 1], layer_type="basic", num_labels=7
        )
        network = transformers.ResNetForImageClassification(config)
    else:
        config = transformers.ViTConfig(
            hidden_size=32, num_hidden_layers=3, num_attention_heads=4, intermediate_size=48, image_size=PIXELS,
            patch_size=8, num_labels=7,
        )  # fmt: skip
        network = transformers.ViTForImageClassification(config)
    network.save_pretrained(folder)
    preparation = {
        "image_processor_type": "ViTImageProcessor", "do_resize": True, "size": {"height": PIXELS, "width": PIXELS},
        "resample": 2, "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True,
        "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5],
    }  # fmt: skip
    (folder / "preprocessor_config.json").write_text(json.dumps(preparation))
    return folder


@pytest.mark.parametrize("kind", ["resnet", "vit"])
@pytest.mark.parametrize("strategy", ["probe", "finetune"])
def test_transformers_opens_a_run_and_answers_alike(
    kind: str, strategy: str, pictures: Path, unseen: Path, tmp_path: Path
) -> None:
    import torch
    import transformers

    run = tmp_path / "run"
    options = ["--epochs", "1"] if strategy == "finetune" else []
    source = make_transformers(tmp_path / kind, kind)
    headstart("adapt", pictures, "-s", source, "--strategy", strategy, *options, "--no-baselines", "-o", run).ok()
    network = transformers.AutoModelForImageClassification.from_pretrained(run).eval()
    assert network.config.id2label == {0: "circle", 1: "square"}
    assert network.config.label2id == {"circle": 0, "square": 1}
    model = hs.load(run)
    inputs = [model.source.prepare(path.read_bytes()) for path in sorted(unseen.rglob("*.png"))]
    pixels = torch.from_numpy(np.stack([one["image"] for one in inputs])).permute(0, 3, 1, 2).float()
    with torch.no_grad():
        theirs = network(pixels / 255 / 0.5 - 1).logits.double().numpy()
    assert np.abs(own_logits(run, unseen) - theirs).max() < TOLERANCE * max(1.0, np.abs(theirs).max())


@pytest.mark.parametrize("way", ["probed", "finetuned"])
def test_a_receipt_has_the_form_that_is_documented(way: str, request: pytest.FixtureRequest) -> None:
    schema = json.loads((REPOSITORY / "docs" / "receipt.schema.json").read_text())
    receipt = json.loads((request.getfixturevalue(way) / "receipt.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(receipt)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema).validate({**receipt, "verdict": None})


def test_untouched_weights_are_those_of_the_source(probed: Path, finetuned: Path, source: Path) -> None:
    from safetensors.numpy import load_file

    given = load_file(source / "model.safetensors")
    for run, trained in ((probed, ("fc.",)), (finetuned, ("fc.", "layer"))):
        written = load_file(run / "model.safetensors")
        assert set(written) == set(given)
        frozen = [name for name in given if not name.startswith(trained)]
        assert all(np.array_equal(written[name], given[name]) for name in frozen)
        assert not np.array_equal(written["fc.weight"], given["fc.weight"][:2])
    tuned = load_file(finetuned / "model.safetensors")
    assert not np.array_equal(tuned["layer4.0.conv1.weight"], given["layer4.0.conv1.weight"])
