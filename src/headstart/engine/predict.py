"""Scores for new examples, from a plan that has been run."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from headstart.bank import Bank, Filled
from headstart.data.table import Examples
from headstart.engine.solve import pooled
from headstart.engine.trained import Trained

Scores = dict[str, NDArray[Any]]


def scores(trained: Trained, examples: Examples, bank: Bank) -> Scores:
    """Scores (N, K) of every head. Labels are not looked at; an untouched trunk answers from the bank."""
    if not trained.weights:
        return {
            name: head.scores(pooled(bank, trained.source, examples, head.at, trained.filled))
            for name, head in trained.heads.items()
        }
    return _by_network(trained, examples, bank)


def _by_network(trained: Trained, examples: Examples, bank: Bank) -> Scores:
    import dataclasses

    import torch

    from headstart.engine.feed import Feed
    from headstart.engine.plan import Stream
    from headstart.engine.training import build_model, evaluate

    plan = dataclasses.replace(
        trained.plan,
        heads=tuple(dataclasses.replace(head, at=trained.heads[head.name].at) for head in trained.plan.heads),
    )
    model = build_model(trained, plan)
    model.network.body.load_state_dict(
        {name: torch.from_numpy(value) for name, value in trained.weights.items()}, strict=False
    )
    before = None
    touched = plan.trained_stages() | {stage for head in plan.heads for stage in head.at}
    for stage in trained.source.stages:
        if stage.name in touched and (stage.name in plan.trained_stages() or stage is not trained.source.stages[-1]):
            break
        before = stage.name
    feed = Feed(Stream("new", "new", ()), examples, trained.tasks, trained.source, bank, before, 0, Filled())
    trained.cost.forward_passes += len(examples)
    return evaluate(model, trained, feed, plan)
