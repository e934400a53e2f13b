"""PatchTST and PatchTSMixer of transformers, one channel at a time: their trunk, and the linear head they tell with."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from headstart.sources import weights
from headstart.sources.contract import Artefact
from headstart.sources.description import Description, Stage
from headstart.sources.series.source import OBSERVED, QUANTILES, STATISTICS, VALUES, SeriesSource, output_names
from headstart.sources.transformers import TransformersSource

if TYPE_CHECKING:
    import torch

MODELS = {
    "patchtst": ("PatchTSTModel", "PatchTSTConfig", "head.projection"),
    "patchtsmixer": ("PatchTSMixerModel", "PatchTSMixerConfig", "head.base_forecast_block"),
}
"""What config.json calls itself -> transformers' trunk, its configuration, and the linear layer of its head."""
TRUNK, HEAD = "trunk", "head"


class TransformersSeries(TransformersSource, SeriesSource):
    """A folder with config.json and model.safetensors.

    The network here is the library's trunk, which sees one channel, and a linear layer on all its patches side by side,
    which holds the library's own head where that told single values.
    """

    takes = (VALUES, OBSERVED, STATISTICS)
    side_by_side = False

    def identity(self) -> dict[str, Any]:
        return {**super().identity(), "preparation": self.preparation()}

    @property
    def context(self) -> int:
        return int(self._config["context_length"])

    @property
    def _own(self) -> str:
        """Where the weights of the head lie; empty where the library's told something else than single values."""
        known = weights.names(self.path)
        return next((one for one in (MODELS[self.architecture][2], HEAD) if f"{one}.weight" in known), "")

    @property
    def horizon(self) -> int:
        return int(self._config.get("prediction_length", 0)) if self._own else 0

    @property
    def quantiles(self) -> int:
        return int(self._config.get("headstart_quantiles", 1))

    def own_labels(self) -> tuple[str, ...]:
        if not self.has_classifier():
            return ()
        if self.quantiles > 1:
            return output_names(self.horizon)
        return tuple(", ".join(f"+{step} {name}" for name in QUANTILES) for step in range(1, self.horizon + 1))

    def build(self, pretrained: bool) -> torch.nn.Module:
        import transformers

        from headstart.sources.series.transformers_network import OneChannel

        model, configuration, _ = MODELS[self.architecture]
        known = getattr(transformers, configuration)(**{**self._config, "num_input_channels": 1})
        outputs = self.quantiles * self.horizon if self.has_classifier() else 0
        network = OneChannel(getattr(transformers, model)(known), outputs, self.architecture)
        if pretrained:
            arrays = self._renamed()
            kept = {name: array for name, array in arrays.items() if name in network.state_dict()}
            weights.into(network, kept, self.path)
        return network

    def _renamed(self) -> dict[str, NDArray[Any]]:
        """The weights of the file by the names that they have here, and in runs."""
        arrays, layer = weights.load(self.path), MODELS[self.architecture][2]
        if any(name.startswith(f"{TRUNK}.") for name in arrays):
            return arrays
        prefix = "model." if any(name.startswith("model.") for name in arrays) else ""
        found = {}
        for name, array in arrays.items():
            if name.startswith(f"{layer}."):
                found[f"{HEAD}.{name.removeprefix(f'{layer}.')}"] = array
            elif name.startswith(prefix):
                found[f"{TRUNK}.{name.removeprefix(prefix)}"] = array
        return found

    def stored(self) -> dict[str, NDArray[Any]]:
        return self._renamed()

    def weights(self) -> dict[str, NDArray[Any]]:
        return SeriesSource.weights(self)

    def on_disk(self, changed: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Runs keep the names that weights have here."""
        return dict(changed)

    def _describe(self, fingerprint: str) -> Description:
        """Stages give (N, 1, patches, D): one channel's."""
        found = super()._describe(fingerprint)
        return dataclasses.replace(found, stages=tuple(_of_one_channel(stage) for stage in found.stages))

    def artefact(self, labels: Sequence[str], outputs: int) -> Artefact:
        del labels
        told = self._config
        if self.has_classifier() and outputs != self.quantiles * self.horizon:
            told = {**told, "headstart_quantiles": len(QUANTILES), "prediction_length": outputs // len(QUANTILES)}
        return Artefact({"config.json": told}, (), "")


def _of_one_channel(stage: Stage) -> Stage:
    if stage.layout not in ("map", "map-last"):
        return stage
    return dataclasses.replace(stage, layout="map-last", width=stage.shape[-1])
