"""What tasks share that the source's own head answers, piece by piece: losses are read from the batch itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from headstart.tasks.baselines import Baseline
from headstart.tasks.contract import Task
from headstart.tasks.predictions import Scores, Targets

if TYPE_CHECKING:
    import torch

WANTED = "labels"
"""Input (N, L) with the piece to predict at each position, negative where there is none."""


class Piecewise(Task):
    """A task whose scores in training are (N, 2): summed negative log-likelihood in nats, and predicted pieces."""

    def read(self, outputs: torch.Tensor, inputs: Mapping[str, torch.Tensor]) -> torch.Tensor:
        import torch
        from torch.nn import functional

        wanted = inputs[WANTED].long()
        counts = wanted >= 0
        losses = functional.cross_entropy(
            outputs.float().flatten(0, 1), wanted.masked_fill(~counts, 0).flatten(), reduction="none"
        ).view_as(wanted)
        return torch.stack([(losses * counts).sum(dim=1), counts.sum(dim=1).float()], dim=1)

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """(N,), whose mean is the loss a piece: every piece of a batch weighs the same."""
        del targets
        return outputs[:, 0] / outputs[:, 1].mean().clamp(min=1e-9)

    def loss_a_piece(self, scores: Scores) -> float:
        """Of all that `read` gave in training or validation."""
        return float(scores[:, 0].sum() / max(scores[:, 1].sum(), 1))

    def counts(self, targets: Targets) -> None:
        del targets

    def baselines(self, targets: Targets) -> list[Baseline]:
        del targets
        return []
