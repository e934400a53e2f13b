"""Scores for new examples, from a plan that has been run."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from headstart.bank import Bank, Filled, features_now
from headstart.core.ragged import beside
from headstart.data.table import Examples
from headstart.engine.solve import read
from headstart.engine.trained import Trained
from headstart.sources.points import Point

Scores = dict[str, NDArray[Any]]


def scores(trained: Trained, examples: Examples, bank: Bank) -> Scores:
    """Scores (N, K), or at places (N,) of (P, K), of every head. Labels are not looked at;
    an untouched trunk answers from the bank, a changed one in the way that pays off; a source's own head
    is run, or writes."""
    if not trained.heads:
        return _by_network(trained, examples, bank)
    if trained.weights:
        return _by_changed_trunk(trained, examples, bank)
    return {
        name: head.scores(read(trained.tasks[name].reads, bank, trained.source, examples, head.at, trained.filled))
        for name, head in trained.heads.items()
    }


def _by_changed_trunk(trained: Trained, examples: Examples, bank: Bank) -> Scores:
    points = {
        name: [Point(stage, trained.tasks[name].reads) for stage in head.at] for name, head in trained.heads.items()
    }
    source = trained.source.with_weights(trained.weights)
    found = features_now(source, examples, sorted(set().union(*points.values())), "Scores", bank.runtime)
    trained.cost.forward_passes += len(examples)
    return {name: head.scores(beside([found[point] for point in points[name]])) for name, head in trained.heads.items()}


def _by_network(trained: Trained, examples: Examples, bank: Bank) -> Scores:
    import dataclasses

    import torch

    from headstart.engine.cutting import cut_of
    from headstart.engine.feed import Feed
    from headstart.engine.plan import Stream
    from headstart.engine.run import settled
    from headstart.engine.training import build_model, evaluate

    plan = dataclasses.replace(
        settled(trained.plan, trained),
        adapters=None,  # they are merged into the weights
    )
    model = build_model(trained, plan)
    model.network.body.load_state_dict(
        {name: torch.from_numpy(value) for name, value in trained.weights.items()}, strict=False
    )
    cut = cut_of(plan, trained.source, model.network, examples)
    feed = Feed(Stream("new", "new", ()), examples, trained.tasks, trained.source, bank, cut, 0, Filled())
    trained.cost.forward_passes += len(examples)
    if any(task.writes for task in trained.tasks.values()):
        from headstart.engine.writing import written

        return written(model, trained, feed)
    return evaluate(model, trained, feed, plan, precise=True)
