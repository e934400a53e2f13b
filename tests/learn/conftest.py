"""A tiny source with random weights, made once, and scikit-learn's digits."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

CHANNELS = [8, 16, 32, 64]


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of a resnet10t for 32 px, in timm's format, with random weights."""
    import timm
    import torch
    from safetensors.numpy import save_file

    folder: Path = tmp_path_factory.mktemp("source")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = timm.create_model("resnet10t", pretrained=False, num_classes=10, channels=CHANNELS)
    prepared = {
        "input_size": [3, 32, 32],
        "interpolation": "bilinear",
        "crop_pct": 1.0,
        "crop_mode": "squash",
        "mean": [0.5, 0.5, 0.5],
        "std": [0.5, 0.5, 0.5],
        "num_classes": 10,
    }
    document = {
        "architecture": "resnet10t",
        "num_classes": 10,
        "model_args": {"channels": CHANNELS},
        "pretrained_cfg": prepared,
    }
    (folder / "config.json").write_text(json.dumps(document))
    save_file({name: value.numpy() for name, value in network.state_dict().items()}, folder / "model.safetensors")
    return str(folder)


@pytest.fixture(scope="session")
def digits() -> tuple[np.ndarray, np.ndarray]:
    """Pictures (300, 8, 8) uint8 and their digits (300,)."""
    data = load_digits()
    return np.minimum(data.images[:300] * 16, 255).astype(np.uint8), data.target[:300]


@pytest.fixture
def files(digits, tmp_path: Path) -> list[str]:
    """The first 120 digits as PNG files."""
    paths = []
    for number, picture in enumerate(digits[0][:120]):
        paths.append(str(tmp_path / f"{number}.png"))
        Image.fromarray(picture).save(paths[-1])
    return paths


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reference runtime, and float32 in training: nothing is chosen or converted, every machine counts alike."""
    monkeypatch.setenv("HEADSTART_RUNTIME", "reference")
    monkeypatch.setattr("headstart.core.hardware.has_native_bfloat16", lambda: False)


@pytest.fixture
def no_trunk(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Calling it makes any further computing of features an error: what is asked for must be in the bank."""

    def forbid() -> None:
        def refuse(_trunk: object, batches: Iterable[object]) -> Iterator[object]:
            for _ in batches:
                raise AssertionError("features were computed that the bank should hold")
            yield from ()

        monkeypatch.setattr("headstart.bank.fill.Trunk.run", refuse)

    return forbid
