"""What all image sources share: preparation and views."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from headstart.data.modalities.image import Image, ImagePreparation
from headstart.sources.inputs import Inputs
from headstart.sources.library import LibrarySource

if TYPE_CHECKING:
    import torch


class ImageSource(LibrarySource):
    """An image classifier of some library."""

    modality: ClassVar[str] = "image"  # type: ignore[misc]

    @abstractmethod
    def image_preparation(self) -> ImagePreparation:
        """From the source's own configuration."""

    def preparation(self) -> dict[str, Any]:
        return self.image_preparation().as_dict()

    def for_modality(self, modality: str, origin: str = "the target") -> LibrarySource:
        """Sounds are shown to it as pictures of their spectra."""
        if modality != "audio":
            return super().for_modality(modality, origin)
        from headstart.sources.sounds.spectrogram import SpectrogramSource

        return SpectrogramSource(self)

    @cached_property
    def _preparation(self) -> ImagePreparation:
        return ImagePreparation.from_dict(self.description.preparation)

    @cached_property
    def _decoder(self) -> Image:
        return Image()

    def _decode(self, content: Any) -> Any:
        preparation = self._preparation
        return self._decoder.decode(content, preparation.resize or max(preparation.height, preparation.width))

    def prepare(self, content: Any) -> Inputs:
        return {"image": self._preparation.prepare(self._decode(content))}

    def view(self, content: Any, view: int, key: str) -> Inputs:
        return {"image": self._preparation.augment(self._decode(content), view, key)}

    def collate(self, inputs: Sequence[Inputs]) -> Inputs:
        return {"image": np.stack([example["image"] for example in inputs])}

    def entry_for(self, preparation: Mapping[str, Any]) -> torch.nn.Module:
        from headstart.sources.network import ImageEntry

        return ImageEntry(preparation["mean"], preparation["std"])

    def accepts(self, preparation: Mapping[str, Any]) -> str:
        return f"{preparation['width']} px"

    def blank(self, preparation: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
        return {"image": np.zeros((1, preparation["height"], preparation["width"], 3), np.uint8)}

    def noise(self, count: int) -> Inputs:
        height, width = self._preparation.height, self._preparation.width
        return {"image": np.random.default_rng(0).integers(0, 256, (count, height, width, 3), dtype=np.uint8)}

    def input_shape(self) -> tuple[int, ...]:
        return (3, self._preparation.height, self._preparation.width)
