"""Sources of transformers: a folder with config.json and model.safetensors, or a name on the hub."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from headstart.core import files, fingerprints
from headstart.core.errors import SourceError
from headstart.data.modalities.image import ImagePreparation
from headstart.sources import weights
from headstart.sources.contract import Artefact, Source, SourceCard
from headstart.sources.image import ImageSource

if TYPE_CHECKING:
    import torch

PREPROCESSOR = "preprocessor_config.json"
RESAMPLE = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic"}
"""Pillow's numbers, which preprocessor_config.json uses."""


def open_transformers(name: str) -> Source:
    """`hf/OWNER/NAME` (or `hf/NAME`): a repository of the hub."""
    from headstart.sources.hub import folder_of
    from headstart.sources.local import in_models

    return TransformersSource(in_models(name) or folder_of(name, f"hf/{name}"), f"hf/{name}")


class TransformersSource(ImageSource):
    """An image classifier in the format of transformers."""

    family = "hf"

    def __init__(self, folder: Path, name: str, seed: int | None = None) -> None:
        super().__init__(name, seed)
        self.folder = folder
        self.path = weights.find(folder)

    @cached_property
    def _config(self) -> dict[str, Any]:
        return dict(files.read_json(self.folder / "config.json"))

    @cached_property
    def _preprocessor(self) -> dict[str, Any]:
        path = self.folder / PREPROCESSOR
        if not path.is_file():
            raise SourceError(
                f"{self.folder} has no {PREPROCESSOR}, so how its pictures were prepared is not known. "
                "Copy it from the model's page."
            )
        return dict(files.read_json(path))

    @property
    def architecture(self) -> str:
        return str(self._config.get("model_type") or self._config["architectures"][0])

    def identity(self) -> dict[str, Any]:
        return {
            "configuration": self._config,
            "preprocessor": self._preprocessor,
            "weights": fingerprints.of_file(self.path),
        }

    def configuration(self) -> dict[str, Any]:
        return self._config

    def build(self, pretrained: bool) -> torch.nn.Module:
        from transformers import AutoConfig, AutoModelForImageClassification

        try:
            if not pretrained:
                config = AutoConfig.from_pretrained(self.folder, local_files_only=True, trust_remote_code=False)
                return AutoModelForImageClassification.from_config(config)  # type: ignore[no-any-return]
            return AutoModelForImageClassification.from_pretrained(  # type: ignore[no-any-return]
                self.folder, local_files_only=True, use_safetensors=True, trust_remote_code=False, dtype="float32"
            )
        except (ValueError, KeyError) as problem:
            raise SourceError(
                f"transformers cannot open {self.name} as an image classifier: {str(problem).splitlines()[0]}"
            ) from None

    def weights(self) -> dict[str, NDArray[Any]]:
        return weights.load(self.path) if self.seed is None else super().weights()

    def on_disk(self, changed: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """The library renames some weights when it loads them (query to q_proj); its own way back is taken."""
        if self.seed is not None or set(changed) <= set(weights.load(self.path)):
            return dict(changed)
        import torch
        from transformers.core_model_loading import revert_weight_conversion

        network = self.module()
        given = revert_weight_conversion(network, network.state_dict())
        before = {name: value.clone() for name, value in given.items()}
        network.load_state_dict({name: torch.from_numpy(value) for name, value in changed.items()}, strict=False)
        after = revert_weight_conversion(network, network.state_dict())
        return {name: value.numpy() for name, value in after.items() if not torch.equal(value, before[name])}

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

    def own_labels(self) -> tuple[str, ...]:
        known = self._config.get("id2label") or {}
        names = tuple(str(known[key]) for key in sorted(known, key=int))
        return () if all(name == f"LABEL_{number}" for number, name in enumerate(names)) else names

    def card(self) -> SourceCard:
        licence, trained_on = "not stated", "not stated"
        readme = self.folder / "README.md"
        if readme.is_file() and readme.read_text(encoding="utf-8").startswith("---"):
            import yaml

            facts = yaml.safe_load(readme.read_text(encoding="utf-8").split("---")[1]) or {}
            licence = str(facts.get("license", licence))
            datasets = facts.get("datasets", trained_on)
            trained_on = ", ".join(datasets) if isinstance(datasets, list) else str(datasets)
        return SourceCard(licence=licence, trained_on=trained_on, size=self.path.stat().st_size, place=str(self.folder))

    def artefact(self, labels: Sequence[str], outputs: int) -> Artefact:
        names = list(labels) if len(labels) == outputs else [f"LABEL_{number}" for number in range(outputs)]
        document = {
            **self._config,
            "num_labels": outputs,
            "id2label": dict(map(_pair, enumerate(names))),
            "label2id": {label: number for number, label in enumerate(names)},
        }
        return Artefact(
            {"config.json": document},
            (self.folder / PREPROCESSOR,),
            "transformers.AutoModelForImageClassification.from_pretrained('{folder}')",
        )


def _pair(item: tuple[int, str]) -> tuple[str, str]:
    return str(item[0]), item[1]
