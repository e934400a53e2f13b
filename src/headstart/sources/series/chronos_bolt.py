"""Chronos-Bolt (Ansari et al. 2024), by the library chronos-forecasting: its encoder-decoder, and a linear head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from headstart.core.errors import SourceError
from headstart.measure.forecasts import LEVELS
from headstart.sources import weights
from headstart.sources.contract import Artefact
from headstart.sources.formats import CHRONOS_BOLT
from headstart.sources.library import OwnFormat
from headstart.sources.series.source import HEAD, QUANTILES, SeriesSource

if TYPE_CHECKING:
    import torch

MODEL = "ChronosBoltModelForForecasting"
TRUNK, LAST = "trunk.", "output_patch_embedding."
OURS = "headstart_quantiles"
"""In the configuration of a run, how many quantiles its head tells."""


class ChronosBoltSource(SeriesSource, OwnFormat):
    """A folder with config.json and model.safetensors, as the library writes it, or a run."""

    family = CHRONOS_BOLT
    side_by_side = False

    def __init__(self, folder: Path, name: str) -> None:
        super().__init__(folder, name)
        if MODEL not in self._config.get("architectures", [MODEL]):
            raise SourceError(
                f"{name} is no Chronos-Bolt but {', '.join(self._config['architectures'])}, which is not supported."
            )

    @property
    def _sizes(self) -> dict[str, Any]:
        return dict(self._config["chronos_config"])

    @property
    def context(self) -> int:
        return int(self._sizes["context_length"])

    @property
    def horizon(self) -> int:
        return int(self._config.get("headstart_horizon", self._sizes["prediction_length"]))

    @property
    def outputs(self) -> int:
        return self.horizon * int(self._config.get(OURS, len(self._sizes["quantiles"])))

    def own_labels(self) -> tuple[str, ...]:
        if not self.has_classifier() or OURS in self._config:
            return super().own_labels()
        names = dict(zip(LEVELS, QUANTILES, strict=True))
        told = [names.get(round(float(level), 6), f"at {level}") for level in self._sizes["quantiles"]]
        return tuple(f"+{step} {name}" for name in told for step in range(1, self.horizon + 1))

    def build(self, pretrained: bool) -> torch.nn.Module:
        from transformers import AutoConfig

        from headstart.sources.series.chronos_bolt_network import ChronosBolt

        known = AutoConfig.for_model(**{**self._config, "model_type": "t5"})
        network = ChronosBolt(_library()(known), self.outputs if self.has_classifier() else 0)
        if pretrained:
            state = network.state_dict()
            kept = {name: array for name, array in self.stored().items() if name in state}
            shared = kept.get(f"{TRUNK}shared.weight")
            ties = {name: shared for name in state if name.endswith("embed_tokens.weight") and shared is not None}
            weights.into(network, {**ties, **kept}, self.path)
        return network

    def stored(self) -> dict[str, NDArray[Any]]:
        """By the names that they have here: the two linear layers of the last block are one."""
        arrays = super().stored()
        if any(name.startswith(TRUNK) for name in arrays):
            return arrays
        last = [f"{LAST}{part}_layer" for part in ("output", "residual")]
        found = {f"{TRUNK}{name}": array for name, array in arrays.items() if not name.startswith(tuple(last))}
        found[f"{HEAD}weight"] = np.concatenate([arrays[f"{layer}.weight"] for layer in last], axis=1)
        found[f"{HEAD}bias"] = arrays[f"{last[0]}.bias"] + arrays[f"{last[1]}.bias"]
        return found

    def on_disk(self, changed: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Runs keep the names that weights have here."""
        return dict(changed)

    def artefact(self, labels: Sequence[str], outputs: int) -> Artefact:
        del labels
        told = self._config
        if self.has_classifier() and outputs != self.outputs:
            told = {**told, OURS: len(QUANTILES), "headstart_horizon": outputs // len(QUANTILES)}
        return Artefact({"config.json": told}, (), "")


def _library() -> Any:
    """
    Raises:
        SourceError: it is not installed.
    """
    try:
        from chronos.chronos_bolt import ChronosBoltModelForForecasting
    except ImportError:
        raise SourceError(
            "Chronos-Bolt is opened by the library chronos-forecasting, which is not installed: "
            "pip install chronos-forecasting"
        ) from None
    return ChronosBoltModelForForecasting
