"""Preparation equals the evaluation transforms of torchvision and timm."""

from __future__ import annotations

import json

import numpy as np
import PIL.Image
import pytest

from headstart.core.errors import HeadstartError
from headstart.data.modalities.image import ImagePreparation

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SIZES = [(300, 200), (200, 300), (97, 131), (40, 50), (224, 224), (500, 60)]


def picture(width: int, height: int) -> PIL.Image.Image:
    random = np.random.default_rng([width, height])
    small = random.integers(0, 256, (height // 4 + 1, width // 4 + 1, 3), dtype=np.uint8)
    return PIL.Image.fromarray(small).resize((width, height), PIL.Image.Resampling.BICUBIC)


def preparation(**changes: object) -> ImagePreparation:
    base = {"height": 64, "width": 64, "resize": 73, "interpolation": "bilinear", "mean": MEAN, "std": STD}
    return ImagePreparation(**{**base, **changes})  # type: ignore[arg-type]


def close(first: np.ndarray, second: np.ndarray) -> bool:
    return first.shape == second.shape and int(np.abs(first.astype(int) - second.astype(int)).max()) <= 1


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic", "lanczos", "nearest"])
@pytest.mark.parametrize("resize", [73, 64, 50])
def test_equals_torchvision(size: tuple[int, int], interpolation: str, resize: int) -> None:
    from torchvision.transforms import v2

    reference = v2.Compose([v2.Resize(resize, v2.InterpolationMode(interpolation), antialias=True), v2.CenterCrop(64)])
    ours = preparation(interpolation=interpolation, resize=resize).prepare(picture(*size))
    assert close(ours, np.asarray(reference(picture(*size))))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("crop_mode", ["center", "squash", "border"])
@pytest.mark.parametrize(("shape", "crop_pct"), [((64, 64), 0.875), ((64, 64), 1.0), ((96, 64), 0.9)])
def test_equals_timm(size: tuple[int, int], crop_mode: str, shape: tuple[int, int], crop_pct: float) -> None:
    from timm.data.transforms_factory import transforms_imagenet_eval

    reference = transforms_imagenet_eval(
        shape, crop_pct=crop_pct, crop_mode=crop_mode, interpolation="bicubic", mean=MEAN, std=STD, normalize=False
    )
    resize = int(min(shape) / crop_pct)
    ours = preparation(height=shape[0], width=shape[1], resize=resize, crop_mode=crop_mode, interpolation="bicubic")
    expected = reference(picture(*size)).permute(1, 2, 0).numpy()
    if shape[0] == shape[1]:
        assert close(ours.prepare(picture(*size)), expected)
    else:  # `resize` knows the shorter side only: the longer may differ by a pixel before the crop
        difference = np.abs(ours.prepare(picture(*size)).astype(int) - expected)
        assert difference.shape == (*shape, 3) and difference.mean() < 12


def test_without_resize_the_whole_picture_is_squashed() -> None:
    ours = preparation(resize=None, height=32, width=48).prepare(picture(300, 200))
    assert np.array_equal(ours, np.asarray(picture(300, 200).resize((48, 32), PIL.Image.Resampling.BILINEAR)))


def test_normalise_equals_the_formula_and_torchvision() -> None:
    import torch
    from torchvision.transforms.v2 import functional

    batch = np.random.default_rng(0).integers(0, 256, (3, 8, 9, 3), dtype=np.uint8)
    ours = preparation().normalise(batch)
    reference = functional.normalize(torch.from_numpy(batch).permute(0, 3, 1, 2) / 255, list(MEAN), list(STD)).numpy()
    assert ours.shape == (3, 3, 8, 9) and ours.dtype == np.float32 and ours.flags.c_contiguous
    assert np.abs(ours - reference).max() < 1e-5


class TestViews:
    def test_first_two_are_the_picture_and_its_mirror(self) -> None:
        ours, image = preparation(resize=64), picture(120, 120)
        assert np.array_equal(ours.augment(image, 0, "k"), ours.prepare(image))
        assert close(ours.augment(image, 1, "k"), ours.prepare(image)[:, ::-1])

    def test_others_depend_on_view_and_key_alone(self) -> None:
        ours, image = preparation(), picture(120, 90)
        assert np.array_equal(ours.augment(image, 2, "k"), ours.augment(image, 2, "k"))
        views = [ours.augment(image, view, key) for view in (2, 3) for key in ("k", "l")]
        assert all(view.shape == (64, 64, 3) and view.dtype == np.uint8 for view in views)
        assert len({view.tobytes() for view in views}) == 4

    def test_crops_stay_inside_and_keep_their_bounds(self) -> None:
        from headstart.data.modalities.preparation import _random_crop

        random = np.random.default_rng(0)
        for _ in range(500):
            left, top, width, height = _random_crop(200, 100, random)
            assert 0 <= left <= 200 - width and 0 <= top <= 100 - height
            if (width, height) != (200, 100):
                assert 0.34 <= width * height / 20_000 <= 1.01 and 0.73 <= width / height <= 1.36

    def test_a_strip_too_narrow_for_any_crop(self) -> None:
        assert preparation().augment(picture(500, 5), 7, "k").shape == (64, 64, 3)


def test_survives_json() -> None:
    ours = preparation(crop_mode="border", interpolation="lanczos", resize=None)
    assert ImagePreparation.from_dict(json.loads(json.dumps(ours.as_dict()))) == ours


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"interpolation": "bicubik"}, "Did you mean bicubic"),
        ({"crop_mode": "centre"}, "Did you mean center"),
        ({"height": 0}, "0x64"),
    ],
)
def test_refuses_what_it_does_not_know(changes: dict[str, object], message: str) -> None:
    with pytest.raises(HeadstartError, match=message):
        preparation(**changes)
