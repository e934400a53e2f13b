"""The network of Chronos-Bolt, for one channel, with its last layers put together to one linear head."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from headstart.sources.series.network import SeriesNetwork


class Hidden(nn.Module):
    """What the library's last block makes its answers of, side by side: its hidden layer, and what came in."""

    def __init__(self, block: Any) -> None:
        super().__init__()
        self.hidden_layer, self.act = block.hidden_layer, block.act

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.act(self.hidden_layer(values)), values], dim=-1)


class ChronosBolt(SeriesNetwork):
    """Series (N, 1, L), normalised, to forecasts (N, outputs), or without outputs to what the head reads.

    Args:
        model: the library's; its last block is taken apart.
    """

    def __init__(self, model: Any, outputs: int) -> None:
        super().__init__(outputs)
        block = model.output_patch_embedding
        model.output_patch_embedding = Hidden(block)
        self.trunk = model
        width = block.hidden_layer.out_features + block.hidden_layer.in_features
        self.head = nn.Linear(width, outputs) if outputs else None

    def summary_of(self, values: torch.Tensor, observed: torch.Tensor) -> torch.Tensor:
        seen = torch.where(observed[:, 0] > 0, values[:, 0], torch.full_like(values[:, 0], torch.nan))
        hidden, _, embedded, mask = self.trunk.encode(context=seen)
        told = self.trunk.decode(embedded, mask, hidden)
        return self.trunk.output_patch_embedding(told)[:, 0]  # type: ignore[no-any-return]
