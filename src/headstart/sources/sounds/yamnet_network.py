"""YAMNet's network in PyTorch, from the list of layers in its configuration; batch norms are folded already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional


class SameConvolution(nn.Conv2d):
    """A convolution of 3 x 3 padded as TensorFlow does: the output has ceil(n / stride) places, and of an odd number
    of zeros the larger half comes last."""

    def __init__(self, inside: int, outside: int, stride: int, groups: int = 1) -> None:
        super().__init__(inside, outside, 3, stride, groups=groups)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        bottom, right = (_missing(int(length), self.stride[0]) for length in values.shape[-2:])
        padded = functional.pad(values, (right // 2, right - right // 2, bottom // 2, bottom - bottom // 2))
        return super().forward(padded)


def _missing(length: int, stride: int) -> int:
    return max(0, (-(-length // stride) - 1) * stride + 3 - length)


class Convolution(nn.Module):
    """The first layer."""

    def __init__(self, inside: int, outside: int, stride: int) -> None:
        super().__init__()
        self.conv = SameConvolution(inside, outside, stride)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return functional.relu(self.conv(values))


class Separable(nn.Module):
    """A convolution of each channel by itself, then one across channels."""

    def __init__(self, inside: int, outside: int, stride: int) -> None:
        super().__init__()
        self.depthwise = SameConvolution(inside, inside, stride, groups=inside)
        self.pointwise = nn.Conv2d(inside, outside, 1)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return functional.relu(self.pointwise(functional.relu(self.depthwise(values))))


class Yamnet(nn.Module):
    """Patches (R, T, bands) to scores (R, outputs).

    Args:
        layers: `name`, `kind` ("conv …" or "depthwise …"), `stride` and `out` (channels) of each.
    """

    def __init__(self, layers: Sequence[Mapping[str, Any]], outputs: int) -> None:
        super().__init__()
        self._names = [str(layer["name"]) for layer in layers]
        width = 1
        for layer in layers:
            kind = Convolution if str(layer["kind"]).startswith("conv") else Separable
            self.add_module(str(layer["name"]), kind(width, int(layer["out"]), int(layer["stride"])))
            width = int(layer["out"])
        self.classifier = nn.Linear(width, outputs)
        for convolution in (module for module in self.modules() if isinstance(module, nn.Conv2d)):
            nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")  # no batch norm mends a signal that fades
            nn.init.zeros_(convolution.bias)  # type: ignore[arg-type]

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        values = patches.unsqueeze(1)
        for name in self._names:
            values = self.get_submodule(name)(values)
        return self.classifier(values.mean(dim=(2, 3)))  # type: ignore[no-any-return]
