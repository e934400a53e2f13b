"""Heads as modules that train: in units in which their targets have mean zero and deviation one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from headstart.core import seeds
from headstart.engine.plan import Plan
from headstart.engine.trained import LinearHead
from headstart.tasks import Task

Moments = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Mean (K,) and deviation (K,) of a head's targets; zero and one where it answers with logits."""


class TrainableHead(torch.nn.Linear):
    """(N, D) to scores (N, K) in the target's own units, such as euros.

    Weight and bias are those for standardised targets, so that learning rates mean the same for every task.
    """

    shift: torch.Tensor
    scale: torch.Tensor

    def __init__(self, head: LinearHead, moments: Moments | None) -> None:
        super().__init__(*head.weight.shape)
        shift, scale = moments or neutral(head.weight.shape[1])
        self.register_buffer("shift", torch.from_numpy(shift).float())
        self.register_buffer("scale", torch.from_numpy(scale).float())
        with torch.no_grad():
            self.weight.copy_(torch.from_numpy((head.weight / scale).T))
            self.bias.copy_(torch.from_numpy((head.bias - shift) / scale))

    def reset_parameters(self) -> None:
        """The given head is the start, so nothing is drawn."""

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return super().forward(features) * self.scale + self.shift

    def answer(
        self, pooled: Sequence[torch.Tensor], whole: torch.Tensor, inputs: Mapping[str, torch.Tensor]
    ) -> torch.Tensor:
        """Scores (N, K) from the pooled outputs of its stages.

        Args:
            whole: the output of the last of them, as it is.
            inputs: the batch.
        """
        del whole, inputs
        return cast(torch.Tensor, self(torch.cat(list(pooled), dim=1)))

    @property
    def unit(self) -> torch.Tensor:
        """A squared error of one deviation; losses are divided by it, so that extra terms keep their weights."""
        return self.scale.square().mean()

    def as_arrays(self, at: tuple[str, ...]) -> LinearHead:
        shift, scale = self.shift.double().numpy(), self.scale.double().numpy()
        weight, bias = self.weight.detach().double().numpy(), self.bias.detach().double().numpy()
        return LinearHead(at, weight.T * scale, bias * scale + shift)


class OwnHead(torch.nn.Module):
    """The source's own head is its last stage; the task makes scores of what that gives."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.task = task
        self.unit = torch.ones(())

    def answer(
        self, pooled: Sequence[torch.Tensor], whole: torch.Tensor, inputs: Mapping[str, torch.Tensor]
    ) -> torch.Tensor:
        """Scores (N, K); see `TrainableHead.answer`."""
        del pooled
        return self.task.read(whole, inputs)


def neutral(outputs: int) -> Moments:
    return np.zeros(outputs), np.ones(outputs)


def random_head(plan: Plan, name: str, width: int, outputs: int, moments: Moments | None) -> LinearHead:
    """A small random start (normal, 0.01) around the mean of the targets, from the plan's seed and the head's name."""
    shift, scale = moments or neutral(outputs)
    weight = seeds.generator(plan.seed, "head", name).normal(0, 0.01, (width, outputs))
    return LinearHead(plan.head(name).at, weight * scale, shift)
