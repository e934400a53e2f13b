"""Parameter groups, built once for a whole plan, and learning rates as a function of progress."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from headstart.engine.freezing import Model
from headstart.engine.plan import Schedule, Train
from headstart.sources.description import Stage


def build(model: Model, stages: Sequence[Stage], trainings: Sequence[Train]) -> torch.optim.AdamW:
    """AdamW over everything that any phase trains: one group for each (stage or head, decayed or not).

    Every such parameter is in exactly one group; biases and norms are not decayed (Loshchilov and Hutter 2019,
    with the usual exemption).
    """
    members = {name for phase in trainings for name, _ in phase.trains}
    named = [(stage.name, model.learnable(stage)) for stage in stages if stage.name in members]
    named += [(head, list(module.named_parameters())) for head, module in model.heads.items() if head in members]
    groups = []
    seen: set[int] = set()
    for owner, parameters in named:
        for decayed in (True, False):
            chosen = [(name, parameter) for name, parameter in parameters if (parameter.ndim > 1) == decayed]
            assert seen.isdisjoint(id(parameter) for _, parameter in chosen), f"{owner} shares a parameter"
            seen.update(id(parameter) for _, parameter in chosen)
            if chosen:
                groups.append({"params": [parameter for _, parameter in chosen], "owner": owner, "decayed": decayed})
    return torch.optim.AdamW(groups, lr=0.0, betas=(0.9, 0.99), fused=True)


def set_rates(optimiser: torch.optim.Optimizer, phase: Train, progress: float) -> None:
    """The rate of each group at `progress` (0 to 1) of `phase`; 0 for what the phase does not train."""
    rates = dict(phase.trains)
    factor = schedule_factor(phase.schedule, progress)
    for group in optimiser.param_groups:
        group["lr"] = rates.get(group["owner"], 0.0) * factor
        group["weight_decay"] = phase.weight_decay if group["decayed"] else 0.0


def schedule_factor(schedule: Schedule, progress: float) -> float:
    """Share of the full rate: linear warm-up, then half a cosine down to the floor (Loshchilov and Hutter 2017)."""
    if progress < schedule.warm_up:
        return (progress + 1e-3) / (schedule.warm_up + 1e-3)
    along = (progress - schedule.warm_up) / max(1e-9, 1 - schedule.warm_up)
    return schedule.floor + (1 - schedule.floor) * 0.5 * (1 + math.cos(math.pi * min(1.0, along)))
