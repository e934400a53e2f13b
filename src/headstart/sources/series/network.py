"""What networks of series share: what heads may read beside the network's own stages, and a head of their own."""

from __future__ import annotations

import torch
from torch import nn


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


class SeriesNetwork(nn.Module):
    """Series (N, C, L), normalised, to forecasts (N, outputs), or without outputs to what a head reads.

    Subclasses say what that is (`summary_of`), and set `head` to the layer on it where there are outputs.
    """

    head: nn.Module | None

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.context, self.beside = Context(outputs > 0), Beside()

    def summary_of(self, values: torch.Tensor, observed: torch.Tensor) -> torch.Tensor:
        """(N, D), of values that are there where `observed` (N, C, L) is 1."""
        raise NotImplementedError

    def forward(
        self,
        values: torch.Tensor,
        statistics: torch.Tensor,
        observed: torch.Tensor | None = None,
        **beside: torch.Tensor,
    ) -> torch.Tensor:
        self.context(values, statistics)  # for those who listen
        if beside:
            self.beside(**beside)
        found = self.summary_of(values, torch.ones_like(values) if observed is None else observed)
        return found if self.head is None else self.head(found)
