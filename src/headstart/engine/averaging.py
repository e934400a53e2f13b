"""Weights averaged over training: a moving average, or an interpolation with the start."""

from __future__ import annotations

import torch

from headstart.engine.plan import Train

Weights = dict[str, torch.Tensor]


def trainable(model: torch.nn.Module) -> Weights:
    """A copy of the parameters that train, by name."""
    return {name: parameter.detach().clone() for name, parameter in model.named_parameters() if parameter.requires_grad}


def moments(model: torch.nn.Module) -> Weights:
    """A copy of the buffers, such as the moments of batch norms, by name."""
    return {name: buffer.detach().clone() for name, buffer in model.named_buffers()}


class Averaged:
    """The average that a phase asks for, beside the weights that are being trained."""

    def __init__(self, phase: Train, model: torch.nn.Module) -> None:
        self.kind, self.rate = phase.averaging, phase.averaging_rate
        self.weights = trainable(model) if self.kind != "none" else {}

    def update(self, model: torch.nn.Module, step: int) -> None:
        """After each step. The moving average's decay grows with the step, so early weights do not linger."""
        if self.kind != "ema":
            return
        decay = min(self.rate, (1 + step) / (10 + step))
        own = dict(model.named_parameters())
        for name, average in self.weights.items():
            average.lerp_(own[name].detach(), 1 - decay)

    def result(self, model: torch.nn.Module) -> Weights:
        """What to evaluate and keep now: the moving average, or start + rate × (now − start) (WiSE-FT,
        Wortsman et al. 2022), or the weights as they are."""
        now = trainable(model)
        if self.kind == "ema":
            return {name: average.clone() for name, average in self.weights.items()}
        if self.kind == "wise":
            return {name: torch.lerp(start, now[name], self.rate) for name, start in self.weights.items()}
        return now


def put(model: torch.nn.Module, weights: Weights) -> None:
    own: Weights = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    with torch.no_grad():
        for name, value in weights.items():
            own[name].copy_(value)
