"""A trunk of transformers for series of one channel, with a linear head on all its patches."""

from __future__ import annotations

import torch
from torch import nn

from headstart.sources.series.network import SeriesNetwork


class Summary(nn.Module):
    """What the head reads of patches (N, 1, T, D): their mean or maximum (N, D), or all of them side by side."""

    def __init__(self, pooling: str) -> None:
        super().__init__()
        self.pooling = pooling

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        if self.pooling == "mean":
            return patches.mean(dim=2).flatten(1)
        return patches.amax(dim=2).flatten(1) if self.pooling == "max" else patches.flatten(1)


class OneChannel(SeriesNetwork):
    """Series (N, 1, L), normalised, to forecasts (N, outputs), or without outputs to the trunk's patches, flat."""

    def __init__(self, trunk: nn.Module, outputs: int, kind: str) -> None:
        super().__init__(outputs)
        self.trunk = trunk
        self.mask = "past_observed_mask" if kind == "patchtst" else "observed_mask"
        pooled = kind == "patchtst" and outputs > 0 and not trunk.config.use_cls_token  # type: ignore[union-attr]
        self.summary = Summary(str(trunk.config.pooling_type) if pooled else "None")  # type: ignore[union-attr]
        self.head = nn.Linear(self._width(), outputs) if outputs else None

    def _width(self) -> int:
        config = self.trunk.config
        values = torch.zeros(1, 1, int(config.context_length))  # type: ignore[arg-type, union-attr]
        training, _ = self.training, self.trunk.eval()
        with torch.no_grad():
            width = self.summary(self._patches(values, torch.ones_like(values))).shape[1]
        self.trunk.train(training)
        return int(width)

    def _patches(self, values: torch.Tensor, observed: torch.Tensor) -> torch.Tensor:
        found = self.trunk(values.transpose(1, 2), **{self.mask: observed.transpose(1, 2)})
        return found.last_hidden_state  # type: ignore[no-any-return]

    def summary_of(self, values: torch.Tensor, observed: torch.Tensor) -> torch.Tensor:
        return self.summary(self._patches(values, observed))  # type: ignore[no-any-return]
