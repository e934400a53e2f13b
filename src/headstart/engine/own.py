"""The source's own answers, where its labels have the names of the target's, or where it reads names."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from headstart.engine.trained import LinearHead
from headstart.sources import Source
from headstart.tasks import Task


def own_head(source: Source, task: Task) -> LinearHead | None:
    """The rows of the source's classifier that answer the target's labels; None unless every label has one, or the
    source makes them of the labels' names.

    Names match when they are equal but for case, punctuation and a plural s; a source's label may list synonyms
    separated by commas ("ant, emmet, pismire").
    """
    read = source.named(task.labels) if task.of_kinds else None
    if read is not None:
        return LinearHead((source.stages[-1].name,), *read)
    known: dict[str, int] = {}
    for number, label in enumerate(source.description.labels):
        for synonym in label.split(","):
            known.setdefault(_plain(synonym), number)
    same = {label: number for number, label in enumerate(source.description.labels)}
    known.pop("", None)  # of signs alone, such as an apostrophe
    rows = [same.get(label, known.get(_plain(label))) for label in task.labels]
    if not source.description.labels or any(row is None for row in rows):
        return None
    if task.answers_apart and len(set(rows)) < len(rows):
        return None
    chosen = np.array([row for row in rows if row is not None])
    weight, bias = _classifier(source)
    return LinearHead((source.stages[-1].name,), weight[:, chosen], bias[chosen])


def begun(source: Source, task: Task, start: LinearHead) -> LinearHead:
    """`start` with the rows of the source's classifier for labels that both have, and the mean of them all added to
    the others; as it is where they share none. Labels are the same when they are spelled the same."""
    place = {label: number for number, label in enumerate(source.description.labels)}
    shared = [number for number, label in enumerate(task.labels) if label in place]
    if not shared or start.at != (source.stages[-1].name,):
        return start
    weight, bias = _classifier(source)
    begun_weight, begun_bias = start.weight + weight.mean(axis=1, keepdims=True), start.bias + bias.mean()
    own = [place[task.labels[number]] for number in shared]
    begun_weight[:, shared], begun_bias[shared] = weight[:, own], bias[own]
    return LinearHead(start.at, begun_weight, begun_bias)


def _classifier(source: Source) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weight (D, L) and bias (L,) of the source's own labels."""
    weights, name = source.weights(), source.description.classifier
    return weights[f"{name}.weight"].astype(np.float64).T, weights[f"{name}.bias"].astype(np.float64)


def _plain(name: str) -> str:
    words = re.sub(r"[^a-z0-9]+", " ", name.lower()).split()
    return " ".join(word.removesuffix("s") if len(word) > 3 else word for word in words)
