"""What a pragmatist would try without any source: hand-made features of a modality with a linear model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from headstart.core.registry import Registry
from headstart.data.contents import contents_of
from headstart.data.table import Examples
from headstart.tasks import Task


class PlainFeatures(Protocol):
    """Features that people made by hand before there were sources; one file a modality."""

    title: str
    """Such as TF-IDF."""
    solver: str
    """The closed form that people of the field put behind them; empty where that is `Task.fit_plain`."""

    def fit(self, contents: Iterable[Any]) -> Any:
        """Features (N, D), sparse or dense, of the contents to learn from, which settle what is counted."""
        ...

    def transform(self, contents: Iterable[Any]) -> Any:
        """The same features of other contents."""
        ...


plain_features: Registry[Callable[[], PlainFeatures]] = Registry(
    "kind of plain features",
    {
        "text": "headstart.strategies.tfidf:TfIdf",
        "audio": "headstart.strategies.mfcc:Mfcc",
        "series": "headstart.strategies.minirocket:MiniRocket",
    },
)


def plain_scores(task: Task, parts: Mapping[str, Examples], test: Examples) -> tuple[str, NDArray[Any]] | None:
    """(name, scores (N, K)) for `test`, its labels unseen; None where modality or task have no such baseline.

    Where no closed form chooses the penalty, it is chosen on the validation part, where there is one, and the model
    fitted again on all of `fit`.
    """
    modality = test.table.modality
    if not task.plain or modality not in plain_features.names():
        return None
    features = plain_features.get(modality)()
    answer = _fitted(task, features, parts, modality)
    if answer is None:
        return None
    how = f"with {features.solver}" if features.solver in task.solvers else task.plain
    return f"{features.title} {how}", answer(features.transform(contents_of(test)))


def _fitted(
    task: Task, features: PlainFeatures, parts: Mapping[str, Examples], modality: str
) -> Callable[[Any], NDArray[Any]] | None:
    """From features to scores."""
    fitted, targets = features.fit(contents_of(parts["fit"])), _targets(task, parts["fit"])
    if features.solver in task.solvers:
        return task.solve(np.asarray(fitted, np.float32), task.numbers(targets), features.solver).scores
    return task.fit_plain(fitted, targets, _best_strength(task, parts, modality))


def _best_strength(task: Task, parts: Mapping[str, Examples], modality: str) -> float:
    strengths = task.strengths
    if not len(parts["validation"]) or len(strengths) == 1:
        return strengths[len(strengths) // 2]
    features = plain_features.get(modality)()
    fitted = features.fit(contents_of(parts["train"]))
    held = features.transform(contents_of(parts["validation"]))
    targets = _targets(task, parts["validation"])

    def loss(strength: float) -> float:
        answer = task.fit_plain(fitted, _targets(task, parts["train"]), strength)
        return task.left_out_loss(answer(held), targets) if answer else 0.0

    return min(strengths, key=loss)


def _targets(task: Task, examples: Examples) -> Any:
    return task.encode(examples.labels(task.label))
