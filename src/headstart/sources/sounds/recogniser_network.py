"""A small network for speech: convolutions along time, separable as in QuartzNet (Kriman et al. 2020), in blocks as of
ConvNeXt (Liu et al. 2022), whose norms look at one moment alone."""

from __future__ import annotations

from typing import cast

import torch
from torch import nn


class Begin(nn.Module):
    """Spectra (R, T, bands) to vectors (R, T / stride, width)."""

    def __init__(self, bands: int, width: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(bands, width, kernel, stride, padding=(kernel - stride) // 2)
        self.norm = nn.LayerNorm(width)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return cast(torch.Tensor, self.norm(self.convolution(values.transpose(1, 2)).transpose(1, 2)))


class Block(nn.Module):
    """Each channel along time, then all channels at each moment; the sum with what came in."""

    def __init__(self, width: int, kernel: int, dropout: float) -> None:
        super().__init__()
        self.along = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        self.norm = nn.LayerNorm(width)
        self.wider, self.narrower = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        seen = self.norm(self.along(values.transpose(1, 2)).transpose(1, 2))
        changed = self.narrower(nn.functional.gelu(self.wider(seen)))
        return values + cast(torch.Tensor, self.dropout(changed))


class Recogniser(nn.Module):
    """Windows of spectra (R, T, bands) to scores (R, T / stride, outputs)."""

    def __init__(
        self, bands: int, width: int, blocks: int, kernel: int, stride: int, dropout: float, outputs: int
    ) -> None:
        super().__init__()
        self.begin = Begin(bands, width, 3 * stride, stride)
        self.blocks = nn.ModuleList(Block(width, kernel, dropout) for _ in range(blocks))
        self.norm = nn.LayerNorm(width)
        self.classifier = nn.Linear(width, outputs)

    def forward(self, spectra: torch.Tensor) -> torch.Tensor:
        values = self.begin(spectra)
        for block in self.blocks:
            values = block(values)
        return cast(torch.Tensor, self.classifier(self.norm(values)))
