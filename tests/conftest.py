"""What tests share: generated pictures, a home of their own, and no network."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session", autouse=True)
def _offline() -> Iterator[None]:
    """No test reaches the hub."""
    before = os.environ.get("HF_HUB_OFFLINE")
    os.environ["HF_HUB_OFFLINE"] = "1"
    yield
    if before is None:
        del os.environ["HF_HUB_OFFLINE"]
    else:
        os.environ["HF_HUB_OFFLINE"] = before


@pytest.fixture(autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bank, conversions and descriptions of each test lie in a folder of its own."""
    monkeypatch.setenv("HEADSTART_HOME", str(tmp_path_factory.mktemp("home")))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data beside the repository."""
    if not SHARED.is_dir():
        pytest.skip(f"no folder of shared data at {SHARED}")
    return SHARED


def draw(shape: str, number: int, size: tuple[int, int] = (96, 80)) -> Image.Image:
    """A picture of one shape on a noisy ground; `number` chooses place, colours and noise."""
    random = np.random.default_rng([number, len(shape)])
    ground = random.integers(60, 200, (6, 8, 3), dtype=np.uint8)
    picture = Image.fromarray(ground).resize(size, Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(picture)
    left, top = (int(value) for value in random.integers(4, 36, 2))
    box = (left, top, left + 36, top + 36)
    if shape == "circle":
        pen.ellipse(box, fill=(230, int(random.integers(0, 90)), 30))
    else:
        pen.rectangle(box, fill=(20, int(random.integers(0, 90)), 220))
    return picture


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder for each of two classes, `circle` and `square`, with 12 JPEGs of 96x80 pixels each."""
    root = tmp_path / "photos"
    for shape in ("circle", "square"):
        (root / shape).mkdir(parents=True)
        for number in range(12):
            draw(shape, number).save(root / shape / f"{shape}_{number:02d}.jpg", quality=90)
    return root
