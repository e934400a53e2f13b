"""YAMNet: depthwise convolutions on patches of a log-mel spectrogram, taught the classes of AudioSet."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from headstart.data.modalities.mel import MelSpectrum
from headstart.sources import weights
from headstart.sources.contract import ROWS, Artefact, Inputs, SourceCard
from headstart.sources.library import FolderSource
from headstart.sources.local import YAMNET
from headstart.sources.parts import first_rows, rows_of
from headstart.sources.sound import LENGTH, SoundSource

if TYPE_CHECKING:
    import torch

PATCHES = "patches"
"""Input (R, T, bands): patches of one example; of a batch, those of all."""


class YamnetSource(FolderSource, SoundSource):
    """A folder with config.json (layers, front end, names of classes) and model.safetensors.

    A sound is as many patches as it has whole ones, overlapping by half, at least one; heads see the mean over them.
    """

    family = YAMNET

    @property
    def architecture(self) -> str:
        return YAMNET

    @property
    def varies(self) -> bool:
        return True

    @property
    def spectrum(self) -> str:
        return PATCHES

    def own_labels(self) -> tuple[str, ...]:
        return tuple(self._config.get("class_names", ()))

    def card(self) -> SourceCard:
        return SourceCard(
            licence=str(self._config.get("license", "not stated")),
            trained_on=str(self._config.get("trained_on", "AudioSet")),
            size=self.path.stat().st_size,
            place=str(self.folder),
        )

    def preparation(self) -> dict[str, Any]:
        given = self._config["frontend"]
        return {
            "rate": int(given["sample_rate"]),
            "seconds": LENGTH,
            "window": int(re.findall(r"\d+", str(given["window"]))[0]),
            "hop": int(given["hop"]),
            "fft": int(given["fft"]),
            "bands": int(given["mel_bands"]),
            "low": float(given["mel_min_hz"]),
            "high": float(given["mel_max_hz"]),
            "added": float(re.findall(r"[\d.]+", str(given["log"]))[-1]),
            "patch": int(given["patch_frames"]),
            "step": int(given["patch_hop_frames"]),
        }

    @cached_property
    def _spectrum(self) -> MelSpectrum:
        known = self.description.preparation
        return MelSpectrum(**{name: known[name] for name in ("rate", "window", "hop", "fft", "bands", "low", "high")})

    def inputs_of(self, samples: NDArray[np.float32]) -> Inputs:
        known = self.description.preparation
        missing = self._spectrum.span(known["patch"]) - len(samples)
        energies = self._spectrum.energies(np.pad(samples, (0, max(0, missing))))
        levels = np.log(energies + np.float32(known["added"]))
        windows = np.lib.stride_tricks.sliding_window_view(levels, known["patch"], axis=0)[:: known["step"]]
        return {PATCHES: np.ascontiguousarray(windows.transpose(0, 2, 1), np.float32)}

    def length(self, inputs: Inputs) -> int:
        return len(inputs[PATCHES])

    def few(self, batch: Inputs, count: int) -> Inputs:
        return first_rows(batch, count)

    def collate(self, inputs: Sequence[Inputs]) -> Inputs:
        patches = [example[PATCHES] for example in inputs]
        return {PATCHES: np.concatenate(patches), ROWS: rows_of([len(one) for one in patches])}

    def entry_for(self, preparation: Mapping[str, Any]) -> torch.nn.Module:
        from headstart.sources.network import ArrayEntry

        del preparation
        return ArrayEntry(PATCHES)

    def blank(self, preparation: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
        return {PATCHES: np.zeros((1, preparation["patch"], preparation["bands"]), np.float32)}

    def noise(self, count: int) -> Inputs:
        shape = count, *self.input_shape()
        random = np.random.default_rng(0).normal(-3, 2, shape)
        return {PATCHES: random.astype(np.float32), ROWS: rows_of([1] * count)}

    def input_shape(self) -> tuple[int, ...]:
        known = self.description.preparation
        return int(known["patch"]), int(known["bands"])

    def build(self, pretrained: bool) -> torch.nn.Module:
        from headstart.sources.yamnet_network import Yamnet

        network = Yamnet(self._config["layers"], int(self._config["num_classes"]))
        if pretrained:
            weights.into(network, self.weights(), self.path)
        return network

    def weights(self) -> dict[str, NDArray[Any]]:
        return weights.load(self.path) if self.seed is None else super().weights()

    def artefact(self, labels: Sequence[str], outputs: int) -> Artefact:
        named = list(labels) if len(labels) == outputs else []
        return Artefact({"config.json": {**self._config, "num_classes": outputs, "class_names": named}}, (), "")
