"""The Tiny Time Mixer: a folder as granite-tsfm writes it, for one channel at a time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from headstart.core.errors import SourceError
from headstart.sources import weights
from headstart.sources.contract import Artefact
from headstart.sources.formats import TINY_TIME_MIXER
from headstart.sources.library import OwnFormat
from headstart.sources.series.source import QUANTILES, STATISTICS, VALUES, SeriesSource

if TYPE_CHECKING:
    import torch

FIXED = {"use_positional_encoding": False, "resolution_prefix_tuning": False, "self_attn": False, "gated_attn": True,
         "decoder_adaptive_patching_levels": 0, "mode": "common_channel", "decoder_mode": "common_channel"}  # fmt: skip
"""What a configuration has to say, since no other form of the network is built."""


class TinyTimeMixerSource(SeriesSource, OwnFormat):
    """A folder with config.json and model.safetensors. Its own head tells one value a step, without a band."""

    family = TINY_TIME_MIXER
    takes = (VALUES, STATISTICS)
    side_by_side = False

    def __init__(self, folder: Path, name: str) -> None:
        super().__init__(folder, name)
        other = next((key for key, value in FIXED.items() if self._config.get(key, value) != value), None)
        if other is not None:
            raise SourceError(f"{name} has {other} = {self._config[other]!r}; such a Tiny Time Mixer is not supported.")

    @property
    def context(self) -> int:
        return int(self._config["context_length"])

    @property
    def horizon(self) -> int:
        return int(self._config["prediction_length"])

    @property
    def quantiles(self) -> int:
        """1 as published; 3 once a head of ours is in the place of its own."""
        return int(self._config.get("quantiles", 1))

    def own_labels(self) -> tuple[str, ...]:
        if not self.has_classifier() or self.quantiles > 1:
            return super().own_labels()
        return tuple(", ".join(f"+{step} {name}" for name in QUANTILES) for step in range(1, self.horizon + 1))

    def build(self, pretrained: bool) -> torch.nn.Module:
        from headstart.sources.series.tiny_time_mixer_network import TinyTimeMixer

        network = TinyTimeMixer(self._config, self.quantiles * self.horizon if self.has_classifier() else 0)
        if pretrained:
            weights.into(network, self.wanted(), self.path)
        return network

    def artefact(self, labels: Sequence[str], outputs: int) -> Artefact:
        del labels
        told = self._config
        if self.has_classifier() and outputs != self.quantiles * self.horizon:
            told = {**told, "quantiles": len(QUANTILES), "prediction_length": outputs // len(QUANTILES)}
        return Artefact({"config.json": told}, (), "")
