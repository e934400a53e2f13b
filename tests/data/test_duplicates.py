"""Near duplicates: copies are found, look-alikes are not, and blocks equal the plain computation."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from PIL import ImageEnhance

from headstart.data import duplicates
from headstart.data.checks import check
from headstart.data.modalities.image import Image
from headstart.data.read import read


def thumbnail(picture: PIL.Image.Image, quality: int = 90) -> np.ndarray:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=quality)
    found = Image().examine(stream.getvalue()).thumbnail
    assert found is not None
    return found


def scenes(count: int) -> list[PIL.Image.Image]:
    random = np.random.default_rng(0)
    cells = random.integers(0, 256, (count, 9, 12, 3), dtype=np.uint8)
    return [PIL.Image.fromarray(cell).resize((240, 180)) for cell in cells]


def pairs(thumbnails: np.ndarray) -> set[tuple[int, int]]:
    first, second = duplicates.near_pairs(thumbnails)
    return {(min(pair), max(pair)) for pair in zip(first.tolist(), second.tolist(), strict=True)}


@pytest.mark.parametrize(
    "change",
    [
        lambda picture: picture.resize((120, 90)),
        lambda picture: picture.resize((333, 250)),
        lambda picture: ImageEnhance.Brightness(picture).enhance(1.05),
        lambda picture: picture.convert("L"),
    ],
)
def test_copies_are_found_and_nothing_else(change: object) -> None:
    originals = scenes(20)
    thumbnails = [thumbnail(picture) for picture in originals]
    thumbnails += [thumbnail(change(picture), 50) for picture in originals]  # type: ignore[operator]
    assert pairs(np.stack(thumbnails)) == {(number, number + 20) for number in range(20)}


def plain(thumbnails: np.ndarray) -> set[tuple[int, int]]:
    """Every pair, one at a time."""
    found = set()
    for i in range(len(thumbnails)):
        for j in range(i + 1, len(thumbnails)):
            first, second = thumbnails[i].astype(float), thumbnails[j].astype(float)
            near = np.corrcoef(first, second)[0, 1] >= duplicates.CORRELATION
            if near and np.sqrt(np.mean((first - second) ** 2)) <= duplicates.DIFFERENCE:
                found.add((i, j))
    return found


def noisy_copies(count: int) -> np.ndarray:
    """Copies at all distances around the threshold."""
    random = np.random.default_rng(3)
    base = random.integers(40, 200, (count // 4, 256))
    copies = [base + random.normal(0, spread, base.shape) for spread in (0, 3, 4.5, 6)]
    return np.clip(np.concatenate(copies), 0, 255).astype(np.uint8)


def test_blocks_equal_the_plain_computation(monkeypatch: pytest.MonkeyPatch) -> None:
    thumbnails = noisy_copies(120)
    expected = plain(thumbnails)
    assert 30 < len(expected) < 180
    monkeypatch.setattr(duplicates, "_BLOCK", 17)
    assert pairs(thumbnails) == expected


def test_nearest_ones_of_a_large_set_equal_all_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    thumbnails = noisy_copies(400)
    expected = pairs(thumbnails)
    monkeypatch.setattr(duplicates, "ALL_PAIRS", 10)
    assert pairs(thumbnails) == expected


def test_many_copies_of_one_picture_stay_one_component_in_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "_BLOCK", 16)
    base = np.random.default_rng(0).integers(0, 255, 256)
    thumbnails = np.clip(base + np.arange(300)[:, None] % 3, 0, 255).astype(np.uint8)
    first, second = duplicates.near_pairs(thumbnails)
    assert len(first) < 16 * 300 + 4 * 300
    assert len(np.unique(duplicates.components(300, first, second))) == 1


def test_blank_pictures_are_compared_exactly() -> None:
    blank = {f"blank {level}": np.full(256, level, np.uint8) for level in (0, 1, 255)}
    numbers = duplicates.clusters(["blank 0", "blank 1", "blank 255", "blank 0", "unknown"], blank)
    assert numbers[0] == numbers[3] and len(set(numbers.tolist())) == 4


def test_a_brighter_scene_is_another_picture() -> None:
    base = np.random.default_rng(0).integers(20, 120, 256)
    assert pairs(np.stack([base, base + 40]).astype(np.uint8)) == set()


@pytest.mark.parametrize(
    ("name", "least", "most"), [("hymenoptera", 0, 2), ("flowers", 30, 40), ("brain_tumor_mri", 4, 12)]
)
def test_real_collections(shared: Path, name: str, least: int, most: int) -> None:
    """The pairs found were looked at: copies in `flowers`; slices of one scan, all but equal, in `brain_tumor_mri`."""
    checked = check(read(shared / "data" / "vision" / name))
    assert least <= len(checked.keys) - len(np.unique(checked.clusters)) <= most
