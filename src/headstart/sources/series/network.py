"""What networks of series share: what heads may read beside the network's own stages, and a head of their own."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

STRETCHES = 8
"""Of the steps ahead, in each of which classical methods have shares of their own."""
FARTHEST = 6.0
"""Deviations beyond which a forecast by which the network is guided looks alike."""


class Context(nn.Module):
    """What heads may read themselves, flat (N, D): the past as the network is shown it, or of a whole series the means
    of its parts, with its level and scale."""

    def __init__(self, is_ahead: bool) -> None:
        super().__init__()
        self.is_ahead = is_ahead

    def forward(self, values: torch.Tensor, statistics: torch.Tensor) -> torch.Tensor:
        return (values if self.is_ahead else statistics).flatten(1)


class Beside(nn.Module):
    """What heads may read besides, (N, D) each, in which the network has no part."""

    def __init__(self) -> None:
        super().__init__()
        self.convolutions, self.classical, self.known = nn.Identity(), nn.Identity(), nn.Identity()

    def forward(self, **given: torch.Tensor) -> list[torch.Tensor]:
        return [self.get_submodule(name)(values) for name, values in given.items()]


class Guide(nn.Module):
    """What a head reads where the network is told what is classical: its summary (N, D), that in few numbers, and the
    mean of it by shares that depend on both, from which forecasts depart: (N, M H) of M methods to (N, D + S + H).

    Args:
        summary: D.
        small: S.
    """

    stretch: torch.Tensor

    def __init__(self, methods: int, steps: int, summary: int, small: int) -> None:
        super().__init__()
        self.methods = methods
        self.read, self.project = nn.Linear(methods * steps, 2 * small), nn.Linear(2 * small, small)
        self.weigh = nn.Linear(summary + small, methods * STRETCHES)
        nn.init.zeros_(self.weigh.weight)
        nn.init.zeros_(self.weigh.bias)
        self.register_buffer("stretch", torch.arange(steps) * STRETCHES // steps, persistent=False)

    def forward(self, summary: torch.Tensor, guide: torch.Tensor) -> torch.Tensor:
        few = self.project(functional.gelu(self.read(guide.clamp(-FARTHEST, FARTHEST))))
        known = torch.cat([summary, few], dim=1)
        by_method = torch.unflatten(self.weigh(known), 1, (self.methods, STRETCHES))
        shares = by_method.softmax(dim=1)[:, :, self.stretch]
        return torch.cat([known, (shares * torch.unflatten(guide, 1, (self.methods, -1))).sum(dim=1)], dim=1)


class SeriesNetwork(nn.Module):
    """Series (N, C, L), normalised, to forecasts (N, outputs), or without outputs to what a head reads.

    Subclasses say what that is (`summary_of`), and set `head` to the layer on it where there are outputs, and `guide`
    where they are told what is classical.
    """

    head: nn.Module | None
    guide: Guide | None

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.context, self.beside = Context(outputs > 0), Beside()
        self.guide = None

    def summary_of(self, values: torch.Tensor, observed: torch.Tensor) -> torch.Tensor:
        """(N, D), of values that are there where `observed` (N, C, L) is 1."""
        raise NotImplementedError

    def forward(
        self,
        values: torch.Tensor,
        statistics: torch.Tensor,
        observed: torch.Tensor | None = None,
        guide: torch.Tensor | None = None,
        **beside: torch.Tensor,
    ) -> torch.Tensor:
        self.context(values, statistics)  # for those who listen
        if beside:
            self.beside(**beside)
        found = self.summary_of(values, torch.ones_like(values) if observed is None else observed)
        if self.guide is not None:
            found = self.guide(found, guide)
        return found if self.head is None else self.head(found)
