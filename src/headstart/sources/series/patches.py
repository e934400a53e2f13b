"""Our own family of sources for series: a mixer on patches, as `pretrain --objective forecasting` teaches it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from headstart.data.classical import NAMES
from headstart.sources import weights
from headstart.sources.contract import Artefact
from headstart.sources.formats import PATCHES
from headstart.sources.library import OwnFormat
from headstart.sources.series.source import QUANTILES, SeriesSource

if TYPE_CHECKING:
    import torch


class PatchesSource(SeriesSource, OwnFormat):
    """A folder with config.json and model.safetensors."""

    family = PATCHES

    @property
    def context(self) -> int:
        return int(self._config["context"])

    @property
    def horizon(self) -> int:
        return int(self._config["horizon"])

    @property
    def guided(self) -> int:
        return int(self._config.get("guided", 0)) if self.is_ahead else 0

    def build(self, pretrained: bool) -> torch.nn.Module:
        network = network_of(self._config, self.has_classifier())
        if pretrained:
            weights.into(network, self.wanted(), self.path)
        return network

    def artefact(self, labels: Sequence[str], outputs: int) -> Artefact:
        del labels
        horizon = outputs // len(QUANTILES) if self.has_classifier() else self.horizon
        return Artefact({"config.json": {**self._config, "horizon": horizon}}, (), "")


def network_of(config: dict[str, Any], with_head: bool) -> torch.nn.Module:
    """A network with random weights."""
    from headstart.sources.series.patches_network import Patches

    sizes = {name: int(config[name]) for name in ("context", "patch", "width", "layers", "small")}
    outputs = len(QUANTILES) * int(config["horizon"]) if with_head else 0
    guided = (len(NAMES), int(config["guided"])) if with_head and config.get("guided") else None
    return Patches(**sizes, outputs=outputs, dropout=float(config.get("dropout", 0.0)), guided=guided)
