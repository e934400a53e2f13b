"""YAMNet: depthwise convolutions on patches of a log-mel spectrogram, taught the classes of AudioSet."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from headstart.core.errors import SourceError
from headstart.data.modalities.mel import MelSpectrum
from headstart.sources import weights
from headstart.sources.contract import Artefact
from headstart.sources.description import SourceCard
from headstart.sources.formats import YAMNET
from headstart.sources.library import OwnFormat
from headstart.sources.sounds.source import LENGTH, SoundSource

if TYPE_CHECKING:
    import torch


class YamnetSource(OwnFormat, SoundSource):
    """A folder with config.json (layers, front end, names of classes) and model.safetensors.

    A sound is as many patches as it has whole ones, overlapping by half, at least one; heads see the mean over them.
    """

    family = YAMNET

    def own_labels(self) -> tuple[str, ...]:
        return tuple(self._config.get("class_names", ()))

    def card(self) -> SourceCard:
        return SourceCard.stated(self._config, self.path.stat().st_size, str(self.folder), "AudioSet")

    def preparation(self) -> dict[str, Any]:
        given = self._config["frontend"]
        return {
            "rate": int(given["sample_rate"]),
            "seconds": LENGTH,
            "window": int(re.findall(r"\d+", str(given["window"]))[0]),
            "hop": int(given["hop"]),
            "fft": int(given["fft"]),
            "low": float(given["mel_min_hz"]),
            "high": float(given["mel_max_hz"]),
            "added": float(re.findall(r"[\d.]+", str(given["log"]))[-1]),
            "shape": [int(given["patch_frames"]), int(given["mel_bands"])],
            "step": int(given["patch_hop_frames"]),
        }

    @cached_property
    def _spectrum(self) -> MelSpectrum:
        known = self.description.preparation
        given = {name: known[name] for name in ("rate", "window", "hop", "fft", "low", "high")}
        return MelSpectrum(**given, bands=known["shape"][1])

    def parts_of(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        known = self.description.preparation
        missing = self._spectrum.span(known["shape"][0]) - len(samples)
        energies = self._spectrum.energies(np.pad(samples, (0, max(0, missing))))
        levels = np.log(energies + np.float32(known["added"]))
        windows = np.lib.stride_tricks.sliding_window_view(levels, known["shape"][0], axis=0)[:: known["step"]]
        return np.ascontiguousarray(windows.transpose(0, 2, 1), np.float32)

    def build(self, pretrained: bool) -> torch.nn.Module:
        from headstart.sources.sounds.yamnet_network import Yamnet

        network = Yamnet(self._config["layers"], int(self._config["num_classes"]))
        if pretrained:
            weights.into(network, self.weights(), self.path)
        return network

    def weights(self) -> dict[str, NDArray[Any]]:
        if self.seed is not None:
            return super().weights()
        arrays = weights.load(self.path)
        kept = {str(layer["name"]) for layer in self._config["layers"]} | {"classifier"}
        arrays = {name: array for name, array in arrays.items() if name.partition(".")[0] in kept}
        return arrays if not self._config.get("shortened") else {**arrays, **self._unanswered()}

    def _unanswered(self) -> dict[str, NDArray[Any]]:
        """A classifier that knows nothing, behind the layers that are kept."""
        width, outputs = int(self._config["layers"][-1]["out"]), int(self._config["num_classes"])
        return {
            "classifier.weight": np.zeros((outputs, width), np.float32),
            "classifier.bias": np.zeros(outputs, np.float32),
        }

    def first_layers(self, layers: int) -> YamnetSource:
        known = self._config["layers"]
        if not 0 < layers <= len(known):
            raise SourceError(f"{self.title} has {len(known)} layers, so it cannot be shortened to {layers}.")
        other = YamnetSource(self.folder, f"{self.name} shortened to {layers} layers")
        dropped = ("num_parameters", "embedding_dim", "dtype", "classifier", "weight_layout")
        config = {name: value for name, value in self._config.items() if name not in dropped}
        other._config = {**config, "layers": known[:layers], "num_classes": 1, "class_names": [], "shortened": True}
        return other

    def artefact(self, labels: Sequence[str], outputs: int) -> Artefact:
        named = list(labels) if len(labels) == outputs else []
        config = {name: value for name, value in self._config.items() if name != "shortened"}
        return Artefact({"config.json": {**config, "num_classes": outputs, "class_names": named}}, (), "")
