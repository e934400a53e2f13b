"""Learning from a teacher: its pooled features, kept in the bank, are what an extra head has to predict."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from headstart.bank import Bank
from headstart.engine.freezing import Model
from headstart.engine.objectives import ObjectiveTerm, Step
from headstart.sources import open_source
from headstart.sources.points import Point


def distil(model: Model, options: Mapping[str, Any]) -> ObjectiveTerm:
    """Mean squared error between a head's output and the teacher's standardised features of the same view
    (feature distillation after Romero et al. 2015, on pooled features).

    Options: `teacher`, a source; `bank`, the folder that holds its features for every view; `views`; `head`, which
    predicts them; `stream`; `mean` and `scale`, the teacher's moments, each a list of length D.
    """
    del model
    teacher = open_source(options["teacher"])
    bank = Bank(Path(options["bank"]))
    point = Point(teacher.stages[-1].name)
    shelves = {view: bank.shelf(teacher, point, view) for view in teacher.turns(options["views"])}
    mean, scale = torch.tensor(options["mean"]), torch.tensor(options["scale"])
    stream, head = options["stream"], options["head"]

    def term(step: Step) -> torch.Tensor:
        keys, views = step.keys[stream], step.views[stream]
        features = torch.empty(len(keys), len(mean))
        for view in set(views):
            rows = [row for row, one in enumerate(views) if one == view]
            features[rows] = torch.from_numpy(shelves[view].read([keys[row] for row in rows]))
        wanted = (features - mean) / scale
        return ((step.outputs[stream][head].float() - wanted) ** 2).mean()

    return term
