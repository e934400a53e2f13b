"""Google's speech embedding in PyTorch: convolutions along tones and along time, in turn (Lin et al. 2020)."""

from __future__ import annotations

from typing import cast

import torch
from torch import nn
from torch.nn import functional

BLOCKS = ((24, (2, 2)), (48, (1, 2)), (72, (2, 2)), (96, (1, 2)), (96, (2, 2)))
"""Channels of each block, and over how many moments and bands it takes the largest value in the end."""
WIDTH = BLOCKS[-1][0]
SLOPE, FLOOR = 0.2, -0.4
ALONG = ((1, 3), (3, 1))
"""Moments and bands that a convolution along tones sees, and one along time."""


def bounded(values: torch.Tensor) -> torch.Tensor:
    return functional.leaky_relu(values, SLOPE).clamp(min=FLOOR)


class Begin(nn.Module):
    """Spectra (R, 1, T, bands) to maps (R, 24, T - 2, bands)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(1, channels, 3, padding=(0, 1), bias=False)
        self.norm = nn.BatchNorm2d(channels, eps=1e-3)

    def forward(self, spectra: torch.Tensor) -> torch.Tensor:
        return bounded(self.norm(functional.relu(self.convolution(spectra))))


class Block(nn.Module):
    """Maps (R, C, T, bands) to smaller ones."""

    def __init__(self, inside: int, outside: int, convolutions: int, pool: tuple[int, int]) -> None:
        super().__init__()
        self.pool = pool
        widths = [inside, *[outside] * convolutions]
        self.convolutions = nn.ModuleList(
            nn.Conv2d(widths[place], outside, ALONG[place % 2], padding=(0, 1 - place % 2))
            for place in range(convolutions)
        )

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        for convolution in self.convolutions:
            maps = bounded(convolution(maps))
        return functional.max_pool2d(maps, self.pool)


class End(nn.Module):
    """Maps (R, C, 3, 1) to vectors (R, C)."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(WIDTH, WIDTH, (3, 1), bias=False)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return cast(torch.Tensor, self.convolution(maps)).mean(dim=(2, 3))


class SpeechEmbedding(nn.Module):
    """Windows of mel spectra (R, 76, 32) to vectors (R, 96).

    Args:
        buffers: name -> shape of what makes spectra of samples, which the network keeps but does not use.
    """

    def __init__(self, buffers: dict[str, tuple[int, ...]]) -> None:
        super().__init__()
        self.begin = Begin(BLOCKS[0][0])
        widths = [channels for channels, _ in BLOCKS]
        self.blocks = nn.ModuleList(
            Block(inside, outside, 2 if not place else 4, BLOCKS[place][1])
            for place, (inside, outside) in enumerate(zip([widths[0], *widths], widths, strict=False))
        )
        self.end = End()
        for name, shape in buffers.items():
            self.register_buffer(name, torch.zeros(shape))

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        maps = self.begin(windows.unsqueeze(1))
        for block in self.blocks:
            maps = block(maps)
        return cast(torch.Tensor, self.end(maps))
