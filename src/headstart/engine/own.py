"""The source's own answers, where its labels have the names of the target's."""

from __future__ import annotations

import re

import numpy as np

from headstart.engine.trained import LinearHead
from headstart.sources import Source
from headstart.tasks import Task


def own_head(source: Source, task: Task) -> LinearHead | None:
    """The rows of the source's classifier that answer the target's labels; None unless every label has one.

    Names match when they are equal but for case, punctuation and a plural s; a source's label may list synonyms
    separated by commas ("ant, emmet, pismire").
    """
    known: dict[str, int] = {}
    for number, label in enumerate(source.description.labels):
        for synonym in label.split(","):
            known.setdefault(_plain(synonym), number)
    same = {label: number for number, label in enumerate(source.description.labels)}
    rows = [same.get(label, known.get(_plain(label))) for label in task.labels]
    if not source.description.labels or any(row is None for row in rows):
        return None
    if task.answers_apart and len(set(rows)) < len(rows):
        return None
    chosen = np.array([row for row in rows if row is not None])
    weights = source.weights()
    classifier = source.description.classifier
    weight = weights[f"{classifier}.weight"].astype(np.float64)[chosen].T
    bias = weights[f"{classifier}.bias"].astype(np.float64)[chosen]
    return LinearHead((source.stages[-1].name,), weight, bias)


def _plain(name: str) -> str:
    words = re.sub(r"[^a-z0-9]+", " ", name.lower()).split()
    return " ".join(word.removesuffix("s") if len(word) > 3 else word for word in words)
