"""Mixing examples within a batch, on what the network takes or on activations at the cut."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch

from headstart.engine.feed import Batch
from headstart.engine.plan import Stream
from headstart.sources.inputs import ROWS
from headstart.tasks import Task

MIXUP_ALPHA, CUTMIX_ALPHA = 0.2, 1.0
"""Of the Beta distribution of the share that stays (Zhang et al. 2018, Yun et al. 2019)."""


def mix(stream: Stream, batch: Batch, tasks: Mapping[str, Task], layout: str) -> tuple[Batch, dict[str, torch.Tensor]]:
    """The batch as its stream asks for it, and its targets. Draws from torch's current generator.

    Args:
        layout: of what is mixed: of the activations at the cut, or "map-last" for pictures (N, H, W, C) and spectra.
    """
    if stream.mix == "none" or not stream.heads:
        return batch, batch.targets
    if batch.entered is not None:
        values, share = mixed(stream.mix, batch.entered[1], layout)
        batch = replace(batch, entered=(batch.entered[0], values))
    else:
        name, taken = next(iter(batch.inputs.items()))
        others = partners(batch.inputs[ROWS]) if ROWS in batch.inputs else None
        values, share = mixed(stream.mix, taken.float(), layout, others)
        batch = replace(batch, inputs={**batch.inputs, name: values})
    return batch, {head: blend(soft(targets, tasks[head]), share) for head, targets in batch.targets.items()}


def mixed(
    kind: str, values: torch.Tensor, layout: str, others: torch.Tensor | None = None
) -> tuple[torch.Tensor, float]:
    """Values (N, …) mixed with those of the example before each, and the share that is its own.

    mixup: share x + (1 - share) x'. cutmix: a box of x' in x, whose sides go with the square root of its share;
    for maps alone.

    Args:
        others: (N,), the place of x' for each x, where it is another than that before.
    """
    theirs = values.roll(1, 0) if others is None else values[others]
    if kind == "mixup":
        share = float(torch.distributions.Beta(MIXUP_ALPHA, MIXUP_ALPHA).sample(()))
        return share * values + (1 - share) * theirs, share
    share = float(torch.distributions.Beta(CUTMIX_ALPHA, CUTMIX_ALPHA).sample(()))
    first = 1 if layout == "map-last" else 2
    height, width = values.shape[first], values.shape[first + 1]
    left, right = _side(width, share)
    top, bottom = _side(height, share)
    box = (slice(None),) * first + (slice(top, bottom), slice(left, right))
    result = values.clone()
    result[box] = theirs[box]
    return result, 1 - (bottom - top) * (right - left) / (height * width)


def partners(rows: torch.Tensor) -> torch.Tensor:
    """Of examples that are several rows each, (N, R) with -1 behind: for every row the one of the example before with
    which it is mixed, from the first on; a shorter example begins again."""
    counts = (rows >= 0).sum(dim=1)
    places = torch.arange(rows.shape[1]) % counts.roll(1)[:, None]
    return rows.roll(1, 0).gather(1, places)[rows >= 0].long()


def _side(length: int, share: float) -> tuple[int, int]:
    """Where a box of that share begins and ends along one axis, cut off at the border."""
    middle = int(torch.randint(length, (1,)))
    half = int(0.5 * (1 - share) ** 0.5 * length)
    return max(0, middle - half), min(length, middle + half)


def blend(values: torch.Tensor, share: float) -> torch.Tensor:
    return share * values + (1 - share) * values.roll(1, 0)


def soft(targets: torch.Tensor, task: Task) -> torch.Tensor:
    """Targets that can be blended: classes (N,) as (N, K), numbers as they are."""
    if targets.is_floating_point():
        return targets
    return torch.nn.functional.one_hot(targets, task.outputs).float()


def can_mix(stream: Stream, layout: str) -> bool:
    """Whether activations of that layout can be mixed as the stream asks: a box can only be cut out of a map."""
    return stream.mix != "cutmix" or layout in ("map", "map-last")
