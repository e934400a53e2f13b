"""Objectives that bring features of like examples together and others apart, over the pairs within a batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch.nn import functional

from headstart.engine.freezing import Model
from headstart.engine.objectives import ObjectiveTerm, Step


def contrast(model: Model, options: Mapping[str, Any]) -> ObjectiveTerm:
    """Supervised contrastive loss (Khosla et al. 2020, the outer sum); pairs weigh by how alike their answers are.

    Options: `stage`, whose pooled features are compared; `head`, whose answers say what is alike; `temperature`.
    """
    del model

    def term(step: Step) -> torch.Tensor:
        cosines, alike = _pairs(step, options)
        others = ~torch.eye(len(cosines), dtype=torch.bool)
        logits = (cosines / options["temperature"]).masked_fill(~others, float("-inf"))
        losses = -functional.log_softmax(logits, dim=1).masked_fill(~others, 0.0)
        weights = alike * others
        total = weights.sum(dim=1)
        return ((weights * losses).sum(dim=1) / total.clamp(min=1e-6))[total > 0].sum() / len(cosines)

    return term


def pairs(model: Model, options: Mapping[str, Any]) -> ObjectiveTerm:
    """Squared difference between each pair's cosine and how alike its answers are (Reimers and Gurevych 2019, as in
    SetFit, Tunstall et al. 2022); like pairs and unlike ones weigh the same in sum.

    Options: `stage`, whose pooled features are compared; `head`, whose answers say what is alike.
    """
    del model

    def term(step: Step) -> torch.Tensor:
        cosines, alike = _pairs(step, options)
        others = 1 - torch.eye(len(cosines))
        like, unlike = alike * others, (1 - alike) * others
        errors = (cosines - alike).square()
        return sum(((errors * part).sum() / part.sum().clamp(min=1e-6) for part in (like, unlike)), torch.zeros(()))

    return term


def _pairs(step: Step, options: Mapping[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosines of the features of each two examples (N, N), and how alike their answers are (N, N)."""
    stage, head = options["stage"], options["head"]
    stream = next(name for name, targets in step.targets.items() if head in targets)
    features = functional.normalize(step.pooled[stream][stage].float(), dim=1)
    return features @ features.T, step.tasks[head].likeness(step.targets[stream][head])
