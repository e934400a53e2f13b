"""CLAP's tower for sounds."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import nn


class UnitLength(nn.Module):
    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return nn.functional.normalize(values, dim=-1)


class SoundTower(nn.Module):
    """Spectra (R, T, bands) to vectors (R, D) of length one, by the names that weights have in the whole model."""

    def __init__(self, whole: Any) -> None:
        super().__init__()
        self.audio_model, self.audio_projection = whole.audio_model, whole.audio_projection
        self.unit_length = UnitLength()

    def forward(self, spectra: torch.Tensor) -> torch.Tensor:
        longer = torch.zeros_like(spectra[:, 0, :1], dtype=torch.bool)
        channels = 4 if self.audio_model.config.enable_fusion else 1
        heard = self.audio_model(spectra[:, None].expand(-1, channels, -1, -1), is_longer=longer).pooler_output
        return cast(torch.Tensor, self.unit_length(self.audio_projection(heard)))
