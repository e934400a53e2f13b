"""Answers that a network writes: along several beams, from the input alone."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from headstart.core.progress import progress
from headstart.engine.feed import Feed
from headstart.engine.freezing import Model
from headstart.engine.loop import forward

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headstart.engine.trained import Trained

BATCH = 32
"""Examples at a time; each takes the memory of as many as there are beams."""


def written(model: Model, trained: Trained, feed: Feed) -> dict[str, NDArray[Any]]:
    """Scores (N,) of (P, K) of what the one head, the source's own, writes for all examples of `feed`.

    How sure the network is of an answer comes from one more pass, with the answer given as in training.
    """
    ((name, task),) = trained.tasks.items()
    source, last = trained.source, trained.source.stages[-1].name
    model.eval()
    answers: list[str] = []
    sure: list[NDArray[np.float64]] = []
    positions: list[NDArray[np.int64]] = []
    with torch.no_grad(), progress("Writing answers", len(feed)) as advance:
        for batch in feed.in_order(BATCH):
            given = dataclasses.replace(batch, inputs=source.write(model.network.body, batch.inputs))
            _, outputs = forward(model, given, (last,), precise=True)
            losses, pieces = outputs[name].double().numpy().T
            answers += source.spell(given.inputs)
            sure.append(-losses / np.maximum(pieces, 1))
            positions.append(batch.positions)
            advance(len(batch))
    found = task.score_written(answers, np.concatenate(sure).tolist())
    return {name: found[np.argsort(np.concatenate(positions))]}
