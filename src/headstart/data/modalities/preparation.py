"""From a picture to what a network takes: the evaluation transforms of timm and torchvision, and views of
it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray
from PIL import ImageEnhance

from headstart.core import seeds
from headstart.core.errors import HeadstartError
from headstart.core.registry import suggest

Channels = tuple[float, float, float]
CROP_MODES = ("center", "squash", "border")
_FILTERS = {
    "nearest": PIL.Image.Resampling.NEAREST,
    "bilinear": PIL.Image.Resampling.BILINEAR,
    "bicubic": PIL.Image.Resampling.BICUBIC,
    "lanczos": PIL.Image.Resampling.LANCZOS,
}


@dataclass(frozen=True)
class ImagePreparation:
    """How a network wants its pictures. Everything that decides a pixel is in here, so it can be saved."""

    height: int
    """Rows in pixels."""
    width: int
    """Columns in pixels."""
    resize: int | None
    """The length in pixels to which the shorter side is resized first (for timm: floor(size / crop_pct));
    None: the whole picture is squashed straight to (height, width)."""
    interpolation: str
    """nearest, bilinear, bicubic or lanczos."""
    mean: Channels
    """Of the channels R, G, B on the scale 0..1."""
    std: Channels
    crop_mode: str = "center"
    """center: keep proportions and crop the middle; squash: change proportions, then crop; border: shrink
    until all of it fits and pad with the mean colour (as in timm)."""

    def __post_init__(self) -> None:
        for name, value, known in (
            ("interpolation", self.interpolation, tuple(_FILTERS)),
            ("crop_mode", self.crop_mode, CROP_MODES),
        ):
            if value not in known:
                raise HeadstartError(f"There is no {name} '{value}'. {suggest(value, known)}")
        if min(self.height, self.width) < 1:
            raise HeadstartError(f"An input size of {self.height}x{self.width} pixels is not possible.")

    def prepare(self, image: PIL.Image.Image) -> NDArray[np.uint8]:
        """`image` as (H, W, 3) uint8, before normalisation: equal to timm's and torchvision's evaluation
        transform."""
        resized = self._resize(image)
        fill = tuple(round(255 * value) for value in self.mean) if self.crop_mode == "border" else (0, 0, 0)
        return np.asarray(_center(resized, self.height, self.width, fill), dtype=np.uint8)

    def augment(self, image: PIL.Image.Image, view: int, key: str) -> NDArray[np.uint8]:
        """View number `view` of the picture whose content digest is `key`, (H, W, 3) uint8.

        View 0 is `prepare`, view 1 its mirror image; further ones are random resized crops (area 0.35 to 1,
        ratio 3/4 to 4/3), mirrored half of the time, with mild changes of brightness, contrast and colour.
        """
        if view == 0:
            return self.prepare(image)
        if view == 1:
            return self.prepare(image.transpose(PIL.Image.Transpose.FLIP_LEFT_RIGHT))
        random = seeds.generator(0, "view", view, key)
        left, top, width, height = _random_crop(*image.size, random)
        changed = image.resize(
            (self.width, self.height), _FILTERS[self.interpolation], box=(left, top, left + width, top + height)
        )
        if random.random() < 0.5:
            changed = changed.transpose(PIL.Image.Transpose.FLIP_LEFT_RIGHT)
        for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
            changed = enhance(changed).enhance(float(random.uniform(0.8, 1.2)))
        return np.asarray(changed, dtype=np.uint8)

    def normalise(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(N, H, W, 3) uint8 → (N, 3, H, W) float32: (value / 255 − mean) / std."""
        scale = (1.0 / (255.0 * np.asarray(self.std))).astype(np.float32)
        shift = (-np.asarray(self.mean) / np.asarray(self.std)).astype(np.float32)
        return np.ascontiguousarray((batch * scale + shift).transpose(0, 3, 1, 2), dtype=np.float32)

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "mean": list(self.mean), "std": list(self.std)}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> ImagePreparation:
        return cls(**{**document, "mean": _channels(document["mean"]), "std": _channels(document["std"])})

    def _resize(self, image: PIL.Image.Image) -> PIL.Image.Image:
        width, height = image.size
        if self.resize is None:
            return image.resize((self.width, self.height), _FILTERS[self.interpolation])
        # timm's `scale_size`: the input size divided by crop_pct, whose shorter side is `resize`
        factor = self.resize / min(self.height, self.width)
        wanted_height, wanted_width = math.floor(self.height * factor), math.floor(self.width * factor)
        if self.crop_mode == "squash":
            size = (wanted_width, wanted_height)
        elif self.crop_mode == "center" and wanted_height == wanted_width:
            shorter = min(width, height)
            size = (self.resize * width // shorter, self.resize * height // shorter)
        else:
            choose = max if self.crop_mode == "border" else min
            ratio = choose(height / wanted_height, width / wanted_width)
            size = (max(round(width / ratio), 1), max(round(height / ratio), 1))
        return image if size == image.size else image.resize(size, _FILTERS[self.interpolation])


def _center(image: PIL.Image.Image, height: int, width: int, fill: tuple[int, ...]) -> PIL.Image.Image:
    """The middle (height, width) of the picture; where it is smaller it is padded with `fill` (torchvision's
    rule for odd differences: the larger half goes to the right and the bottom)."""
    pad_left, pad_top = max(width - image.width, 0) // 2, max(height - image.height, 0) // 2
    if image.width < width or image.height < height:
        paper = PIL.Image.new("RGB", (max(width, image.width), max(height, image.height)), fill)
        paper.paste(image, (pad_left, pad_top))
        image = paper
    left, top = round((image.width - width) / 2), round((image.height - height) / 2)
    return image.crop((left, top, left + width, top + height))


def _random_crop(width: int, height: int, random: np.random.Generator) -> tuple[int, int, int, int]:
    """A box (left, top, width, height) as torchvision's RandomResizedCrop draws it; the whole picture when
    ten draws do not fit."""
    for _ in range(10):
        area = width * height * random.uniform(0.35, 1.0)
        ratio = math.exp(random.uniform(math.log(3 / 4), math.log(4 / 3)))
        crop_width, crop_height = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < crop_width <= width and 0 < crop_height <= height:
            left = int(random.integers(0, width - crop_width + 1))
            top = int(random.integers(0, height - crop_height + 1))
            return left, top, crop_width, crop_height
    return 0, 0, width, height


def _channels(values: Iterable[float]) -> Channels:
    red, green, blue = (float(value) for value in values)
    return red, green, blue
