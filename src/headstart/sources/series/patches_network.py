"""A small mixer on patches of a series (Ekambaram et al. 2023, TSMixer), in PyTorch; channels never mix."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from headstart.sources.series.network import Guide, SeriesNetwork
from headstart.sources.series.source import QUANTILES

GUIDED = 64
"""Numbers by which a guided network's head knows what it is told."""


class Embedding(nn.Module):
    """Patches of values, and of whether they are there: (N, C, L) to (N, T, C W)."""

    def __init__(self, patch: int, tokens: int, width: int) -> None:
        super().__init__()
        self.patch = patch
        self.project = nn.Linear(2 * patch, width)
        self.place = nn.Parameter(torch.zeros(tokens, width))

    def forward(self, values: torch.Tensor, observed: torch.Tensor) -> torch.Tensor:
        patches = *values.shape[:2], -1, self.patch
        both = torch.cat([values.reshape(patches), observed.reshape(patches)], dim=3)
        found: torch.Tensor = self.project(both) + self.place
        return found.transpose(1, 2).flatten(2)


def begin_as_told(head: nn.Linear, steps: int) -> None:
    """Every quantile of `steps` steps what stands last in the features."""
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    told = torch.eye(head.out_features // len(QUANTILES), steps).repeat(len(QUANTILES), 1)
    with torch.no_grad():
        head.weight[:, -steps:] = told


def by_channel(joined: torch.Tensor, width: int) -> torch.Tensor:
    """(N, T, C W) to (N, C, T, W)."""
    return joined.reshape(*joined.shape[:2], -1, width).transpose(1, 2)


class Mixer(nn.Module):
    """Mixes along time, then within each patch; each part beside what came in: (N, T, C W) to the same."""

    def __init__(self, tokens: int, width: int, expansion: int, dropout: float) -> None:
        super().__init__()
        self.width = width
        self.time_norm, self.patch_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.time_in, self.time_out = nn.Linear(tokens, expansion * tokens), nn.Linear(expansion * tokens, tokens)
        self.patch_in, self.patch_out = nn.Linear(width, expansion * width), nn.Linear(expansion * width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, joined: torch.Tensor) -> torch.Tensor:
        values: torch.Tensor = by_channel(joined, self.width)
        mixed = self.time_norm(values).transpose(2, 3)
        mixed = self.time_out(functional.gelu(self.time_in(mixed))).transpose(2, 3)
        values = values + self.dropout(mixed)
        mixed = self.patch_out(functional.gelu(self.patch_in(self.patch_norm(values))))
        values = values + self.dropout(mixed)
        return values.transpose(1, 2).flatten(2)


class Summary(nn.Module):
    """Few numbers of each patch, all patches side by side: (N, T, C W) to (N, C T S)."""

    def __init__(self, width: int, small: int) -> None:
        super().__init__()
        self.width = width
        self.norm = nn.LayerNorm(width)
        self.project = nn.Linear(width, small)

    def forward(self, joined: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.project(self.norm(by_channel(joined, self.width)))
        return found.flatten(1)


class Patches(SeriesNetwork):
    """Series (N, C, L) to forecasts (N, outputs), or without outputs to their summary.

    Args:
        outputs: 0 for a trunk alone, which reads whole series of any number of channels.
        guided: (M, H): it is told what so many classical methods say of so many steps, and begins as their mean.
    """

    def __init__(
        self,
        context: int,
        patch: int,
        width: int,
        layers: int,
        small: int,
        outputs: int,
        expansion: int = 2,
        dropout: float = 0.0,
        guided: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(outputs)
        tokens = context // patch
        self.embed = Embedding(patch, tokens, width)
        self.blocks = nn.ModuleList([Mixer(tokens, width, expansion, dropout) for _ in range(layers)])
        self.summary = Summary(width, small)
        width = tokens * small
        if guided:
            self.guide = Guide(*guided, width, GUIDED)
            width += GUIDED + guided[1]
        self.head = nn.Linear(width, outputs) if outputs else None
        if self.head is not None and guided:
            begin_as_told(self.head, guided[1])

    def summary_of(self, values: torch.Tensor, observed: torch.Tensor) -> torch.Tensor:
        joined: torch.Tensor = self.embed(values, observed)
        for block in self.blocks:
            joined = block(joined)
        found: torch.Tensor = self.summary(joined)
        return found
