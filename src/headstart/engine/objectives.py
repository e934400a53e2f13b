"""Extra terms of a phase's loss. Each is built once for a phase, then called with every step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch

from headstart.core.registry import Registry
from headstart.engine.freezing import Model
from headstart.tasks import Task


@dataclass
class Step:
    """What an objective may look at: one step of training, after the forward pass."""

    model: Model
    pooled: Mapping[str, Mapping[str, torch.Tensor]]
    """Stream -> stage -> pooled features (N, D), with gradients."""
    outputs: Mapping[str, Mapping[str, torch.Tensor]]
    """Stream -> head -> scores (N, K)."""
    keys: Mapping[str, list[str]]
    """Stream -> content keys of the batch."""
    views: Mapping[str, list[int]]
    """Stream -> which view of each example this is."""
    progress: float
    """Of the phase, 0 to 1."""
    targets: Mapping[str, Mapping[str, torch.Tensor]] = field(default_factory=dict)
    """Stream -> head -> targets (N,) or (N, K)."""
    tasks: Mapping[str, Task] = field(default_factory=dict)
    """Head -> what it answers."""


class ObjectiveTerm(Protocol):
    """A scalar added to the loss, before its weight."""

    def __call__(self, step: Step) -> torch.Tensor: ...


ObjectiveBuilder = Callable[[Model, Mapping[str, Any]], ObjectiveTerm]

objectives: Registry[ObjectiveBuilder] = Registry(
    "objective",
    {
        "l2_sp": "headstart.engine.objectives:l2_sp",
        "coral": "headstart.engine.objectives:coral",
        "contrast": "headstart.engine.contrast:contrast",
        "pairs": "headstart.engine.contrast:pairs",
        "distil": "headstart.engine.distillation:distil",
    },
)


def l2_sp(model: Model, options: Mapping[str, Any]) -> ObjectiveTerm:
    """Half the squared distance of the trained stages from where they started (Li, Grandvalet and Davoine 2018)."""
    del options
    start = [
        (parameter, parameter.detach().clone()) for parameter in model.network.parameters() if parameter.requires_grad
    ]

    def term(step: Step) -> torch.Tensor:
        del step
        if not start:
            return torch.zeros(())
        return 0.5 * torch.stack([((parameter - origin) ** 2).sum() for parameter, origin in start]).sum()

    return term


def coral(model: Model, options: Mapping[str, Any]) -> ObjectiveTerm:
    """Squared distance of two streams' feature covariances, over 4 D² (Sun and Saenko 2016, equation 1).

    Options: `streams`, the two names; `stage`, where features are compared.
    """
    del model
    first, second = options["streams"]
    stage = options["stage"]

    def term(step: Step) -> torch.Tensor:
        one, other = step.pooled[first][stage].float(), step.pooled[second][stage].float()
        return ((torch.cov(one.T) - torch.cov(other.T)) ** 2).sum() / (4 * one.shape[1] ** 2)

    return term
