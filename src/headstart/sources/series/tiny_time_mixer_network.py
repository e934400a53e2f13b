"""The Tiny Time Mixer in PyTorch (Ekambaram et al. 2024), one channel at a time, by the names of its weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import nn
from torch.nn import functional

from headstart.sources.series.network import SeriesNetwork


class Gate(nn.Module):
    """Weighs features by how much they attend to one another."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.attn_layer = nn.Linear(width, width)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return values * torch.softmax(self.attn_layer(values), dim=-1)


class Mlp(nn.Module):
    def __init__(self, width: int, expansion: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, expansion * width), nn.Linear(expansion * width, width)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return self.fc2(functional.gelu(self.fc1(values)))  # type: ignore[no-any-return]


class Norm(nn.Module):
    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, eps=epsilon)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return self.norm(values)  # type: ignore[no-any-return]


class Mix(nn.Module):
    """Mixes along patches or along features, beside what came in: (N, T, W) to the same."""

    def __init__(self, tokens: int, width: int, expansion: int, epsilon: float, along_patches: bool) -> None:
        super().__init__()
        mixed = tokens if along_patches else width
        self.along_patches = along_patches
        self.norm = Norm(width, epsilon)
        self.mlp = Mlp(mixed, expansion)
        self.gating_block = Gate(mixed)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        given: torch.Tensor = self.norm(values)
        if self.along_patches:
            given = given.transpose(1, 2)
        given = cast("torch.Tensor", self.gating_block(self.mlp(given)))
        return values + (given.transpose(1, 2) if self.along_patches else given)


class MixerLayer(nn.Module):
    def __init__(self, tokens: int, width: int, expansion: int, epsilon: float) -> None:
        super().__init__()
        self.patch_mixer = Mix(tokens, width, expansion, epsilon, along_patches=True)
        self.feature_mixer = Mix(tokens, width, expansion, epsilon, along_patches=False)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return self.feature_mixer(self.patch_mixer(values))  # type: ignore[no-any-return]


class Adaptive(nn.Module):
    """Some layers on patches cut `factor` times finer."""

    def __init__(self, factor: int, layers: int, tokens: int, width: int, expansion: int, epsilon: float) -> None:
        super().__init__()
        self.factor = factor
        self.mixer_layers = nn.ModuleList(
            [MixerLayer(tokens * factor, width // factor, expansion, epsilon) for _ in range(layers)]
        )

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        shape = values.shape
        values = values.reshape(shape[0], shape[1] * self.factor, shape[2] // self.factor)
        for layer in self.mixer_layers:
            values = layer(values)
        return values.reshape(shape)


class Mixers(nn.Module):
    """Mixers one after another, under the name the weights have."""

    def __init__(self, mixers: list[nn.Module]) -> None:
        super().__init__()
        self.mixers = nn.ModuleList(mixers)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        for mixer in self.mixers:
            values = mixer(values)
        return values


class Encoder(nn.Module):
    """Patches to what the decoder takes: (N, T, patch) to (N, T, W)."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        sizes = int(config["num_patches"]), int(config["d_model"]), int(config["expansion_factor"])
        levels, layers = int(config["adaptive_patching_levels"]), int(config["num_layers"])
        epsilon = float(config["norm_eps"])
        self.patcher = nn.Linear(int(config["patch_length"]), sizes[1])
        self.mlp_mixer_encoder = Mixers(
            [Adaptive(2**level, layers, *sizes, epsilon) for level in range(levels - 1, -1, -1)]
        )

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        return self.mlp_mixer_encoder(self.patcher(patches))  # type: ignore[no-any-return]


class Backbone(nn.Module):
    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        self.encoder = Encoder(config)

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        return self.encoder(patches)  # type: ignore[no-any-return]


class Decoder(nn.Module):
    """(N, T, W) to (N, T V)."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        tokens, width = int(config["num_patches"]), int(config["decoder_d_model"])
        expansion, epsilon = int(config["expansion_factor"]), float(config["norm_eps"])
        self.adapter = nn.Linear(int(config["d_model"]), width)
        layers = int(config["decoder_num_layers"])
        self.decoder_block = Mixers([MixerLayer(tokens, width, expansion, epsilon) for _ in range(layers)])

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return self.decoder_block(self.adapter(values)).flatten(1)  # type: ignore[no-any-return]


class Head(nn.Module):
    def __init__(self, width: int, outputs: int) -> None:
        super().__init__()
        self.base_forecast_block = nn.Linear(width, outputs)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return self.base_forecast_block(values)  # type: ignore[no-any-return]


class TinyTimeMixer(SeriesNetwork):
    """Series (N, 1, L), normalised, to forecasts (N, outputs), or without outputs to what a head reads."""

    def __init__(self, config: Mapping[str, Any], outputs: int) -> None:
        super().__init__(outputs)
        self.patch = int(config["patch_length"])
        self.backbone = Backbone(config)
        self.decoder = Decoder(config)
        width = int(config["num_patches"]) * int(config["decoder_d_model"])
        self.head = Head(width, outputs) if outputs else None

    def summary_of(self, values: torch.Tensor, observed: torch.Tensor) -> torch.Tensor:
        del observed
        return self.decoder(self.backbone(values[:, 0].unfold(1, self.patch, self.patch)))  # type: ignore[no-any-return]
