"""Image classifiers in the format of transformers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from headstart.core.errors import SourceError
from headstart.data.modalities.image import ImagePreparation
from headstart.sources.contract import Artefact
from headstart.sources.formats import PREPROCESSOR, preprocessor_of
from headstart.sources.images.source import ImageSource
from headstart.sources.transformers import TransformersSource

if TYPE_CHECKING:
    import torch

RESAMPLE = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic"}
"""Pillow's numbers, which preprocessor_config.json uses."""


class TransformersImages(TransformersSource, ImageSource):
    """A folder with config.json, preprocessor_config.json and model.safetensors."""

    @cached_property
    def _preprocessor(self) -> dict[str, Any]:
        found = preprocessor_of(self.folder)
        if not found:
            raise SourceError(
                f"{self.folder} has no {PREPROCESSOR}, so how its pictures were prepared is not known. "
                "Copy it from the model's page."
            )
        return found

    def identity(self) -> dict[str, Any]:
        return {**super().identity(), "preprocessor": self._preprocessor}

    def build(self, pretrained: bool) -> torch.nn.Module:
        from transformers import AutoModelForImageClassification

        return self.build_as(AutoModelForImageClassification, pretrained, "an image classifier")

    def image_preparation(self) -> ImagePreparation:
        given = self._preprocessor
        size, crop = given.get("size", 224), given.get("crop_size")
        shorter: int | None
        if isinstance(size, int):
            height = width = size
            shorter = size if given.get("do_center_crop") else None
        elif "shortest_edge" in size:
            shorter = height = width = int(size["shortest_edge"])
        else:
            height, width, shorter = int(size["height"]), int(size["width"]), None
        if given.get("do_center_crop", False) and crop is not None:
            height = int(crop["height"] if isinstance(crop, dict) else crop)
            width = int(crop["width"] if isinstance(crop, dict) else crop)
        elif shorter is not None and shorter < 384 and given.get("crop_pct"):
            shorter = int(shorter / given["crop_pct"])
        none = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
        mean, std = (given["image_mean"], given["image_std"]) if given.get("do_normalize", True) else none
        return ImagePreparation(
            height=height,
            width=width,
            resize=shorter,
            crop_mode="center" if shorter else "squash",
            interpolation=RESAMPLE.get(given.get("resample", 2), "bilinear"),
            mean=tuple(mean),
            std=tuple(std),
        )

    def artefact(self, labels: Sequence[str], outputs: int) -> Artefact:
        names = list(labels) if len(labels) == outputs else [f"LABEL_{number}" for number in range(outputs)]
        document = {
            **self._config,
            "num_labels": outputs,
            "id2label": dict(map(_pair, enumerate(names))),
            "label2id": {label: number for number, label in enumerate(names)},
        }
        return Artefact(
            {"config.json": document, PREPROCESSOR: self._preprocessor},
            (),
            "transformers.AutoModelForImageClassification.from_pretrained('{folder}')",
        )


def _pair(item: tuple[int, str]) -> tuple[str, str]:
    return str(item[0]), item[1]
