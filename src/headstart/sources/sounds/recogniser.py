"""A recogniser of speech: a folder with config.json and model.safetensors, as `pretrain` makes it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pydantic
from numpy.typing import NDArray

from headstart.core import files
from headstart.data.modalities.mel import MelSpectrum
from headstart.sources import weights
from headstart.sources.contract import Artefact
from headstart.sources.formats import RECOGNISER
from headstart.sources.library import FolderSource
from headstart.sources.sounds.source import LENGTH, SoundSource

if TYPE_CHECKING:
    import torch

RATE, BANDS = 16_000, 64
SPECTRUM = MelSpectrum(RATE, window=400, hop=160, fft=512, bands=BANDS, low=60.0, high=7600.0)
SMALLEST = 1e-3
"""Added to energies ahead of the logarithm."""
WINDOW = 240
"""Frames of 10 ms that are read together."""


class Architecture(pydantic.BaseModel):
    """Of a recogniser."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    width: int = pydantic.Field(192, ge=8, le=2048, description="Numbers by which a moment is described.")
    blocks: int = pydantic.Field(8, ge=1, le=64, description="Convolutions along time, one after another.")
    kernel: int = pydantic.Field(11, ge=3, le=99, description="Moments that one of them sees; odd.")
    stride: int = pydantic.Field(3, ge=1, le=8, description="Frames of 10 ms that are one moment.")
    dropout: float = pydantic.Field(
        0.1, ge=0, lt=1, description="Share of what blocks add that is dropped in training."
    )


class RecogniserSource(FolderSource, SoundSource):
    """Convolutions on a log-mel spectrogram, each band on the scale of the whole sound."""

    family = RECOGNISER

    @property
    def architecture(self) -> str:
        return RECOGNISER

    @property
    def _network(self) -> Architecture:
        return Architecture(**self._config["network"])

    def own_labels(self) -> tuple[str, ...]:
        return tuple(self._config["labels"])

    def preparation(self) -> dict[str, Any]:
        stride = self._network.stride
        answers = WINDOW // stride
        return {
            "rate": RATE,
            "seconds": LENGTH,
            "shape": [answers * stride, BANDS],
            "frames": {"answers": answers, "window": answers * stride, "hop": stride},
        }

    def series(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        levels = np.log(SPECTRUM.energies(samples) + np.float32(SMALLEST))
        return np.asarray((levels - levels.mean(axis=0)) / (levels.std(axis=0) + 0.1), np.float32)

    def build(self, pretrained: bool) -> torch.nn.Module:
        from headstart.sources.sounds.recogniser_network import Recogniser

        network = Recogniser(BANDS, outputs=len(self._config["labels"]), **self._network.model_dump())
        if pretrained:
            weights.into(network, self.weights(), self.path)
        return network

    def weights(self) -> dict[str, NDArray[Any]]:
        return weights.load(self.path) if self.seed is None else super().weights()

    def artefact(self, labels: Sequence[str], outputs: int) -> Artefact:
        named = list(labels) if len(labels) == outputs else [str(number) for number in range(outputs)]
        return Artefact({"config.json": {**self._config, "labels": named}}, (), "")


def write(folder: Path, architecture: Architecture, labels: Sequence[str], seed: int) -> None:
    """Writes an untrained recogniser."""
    import torch
    from safetensors.torch import save_file

    from headstart.sources.sounds.recogniser_network import Recogniser

    config = {
        "model_type": RECOGNISER,
        "network": architecture.model_dump(),
        "labels": list(labels),
        "trained_on": "nothing yet",
    }
    with torch.random.fork_rng(devices=[]), files.atomic(folder) as temporary:
        torch.default_generator.manual_seed(seed)
        network = Recogniser(BANDS, outputs=len(labels), **architecture.model_dump())
        temporary.mkdir(exist_ok=True)
        save_file(network.state_dict(), temporary / weights.WEIGHTS)
        files.write_json(temporary / "config.json", config)
