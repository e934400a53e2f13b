"""Ways to recommend that know no source: what most users met, ItemKNN, EASE, and a factorisation where it is
installed."""

from __future__ import annotations

import importlib.util
import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.data.contents import Told
from headstart.measure import collaborative
from headstart.measure.collaborative import Histories
from headstart.tasks.baselines import Baseline
from headstart.tasks.contract import Task
from headstart.tasks.histories import known_histories, told_histories
from headstart.tasks.predictions import Scores

PENALTIES = (50.0, 100.0, 200.0, 400.0)
"""Of EASE; the best one on the validation part is taken."""
MOST_ITEMS = 6000
"""Items of which EASE takes those that most users met: its time grows with the cube of their number."""
FACTORS, ROUNDS, CERTAINTIES = 64, 15, (1.0, 10.0, 40.0)
"""Of the factorisation; how much surer it is of what was met is chosen as well."""
LISTED = 50
"""Items that are kept of a ranking."""
NOTHING = np.zeros((1, 2))
AT_ONCE, MOST_SCORES = 512, 20_000_000
"""Users whose whole scores are held at a time, of a large catalogue fewer; and scores."""

Scorer = Callable[[Histories], NDArray[Any]]
"""From the histories of N users to scores (N, K)."""


@dataclass(frozen=True)
class Ranked(Baseline):
    """Answers with the best items that a user has not met, by scores of all; whoever met nothing, with the popular."""

    task: Task
    scorer: Scorer | None = None

    def score(self, met: Histories) -> NDArray[Any]:
        assert self.scorer is not None
        return self.scorer(met)

    def answer(self, contents: Iterable[Any], count: int) -> Scores:
        del count
        most = max(1, min(AT_ONCE, MOST_SCORES // max(1, len(self.task.labels))))
        return np.concatenate([self._some(some) for some in _batches(contents, most)])

    def _some(self, contents: Sequence[Any]) -> Scores:
        met = known_histories(contents, self.task.labels)
        scores = np.array(self.score(met), np.float32)
        scores[np.diff(met.starts) == 0] = popularity(self.task)
        scores[np.repeat(np.arange(len(met)), np.diff(met.starts)), met.items] = -np.inf
        return collaborative.top(scores, LISTED)


@dataclass(frozen=True)
class Popular(Ranked):
    """The same for everyone: what most users met."""

    def score(self, met: Histories) -> NDArray[Any]:
        return np.repeat(popularity(self.task)[None], len(met), axis=0)


def popularity(task: Task) -> NDArray[np.float32]:
    """How many users met each item (K,) in training."""
    return np.array(task.occurrences, np.float32)


def rivals(task: Task, train: Told, validation: Told, fit: Told) -> list[Baseline]:
    """ItemKNN, EASE, and a factorisation where the library for it is installed."""
    met = told_histories(fit, task.labels)
    similar = collaborative.item_knn(met)
    penalty = _best(task, PENALTIES, train, validation, _ease)
    found: list[Baseline] = [
        Ranked("item-knn", "ItemKNN (cosine)", NOTHING, task, lambda users: (users.bags() @ similar).toarray()),
        Ranked("ease", f"EASE (penalty {penalty:g})", NOTHING, task, _ease(met, penalty)),
    ]
    if importlib.util.find_spec("implicit") is not None:
        certainty = _best(task, CERTAINTIES, train, validation, _factorised)
        title = f"Factorisation ({FACTORS} factors, certainty {certainty:g})"
        found.append(Ranked("factorisation", title, NOTHING, task, _factorised(met, certainty)))
    return found


def _ease(met: Histories, penalty: float) -> Scorer:
    kept = min(MOST_ITEMS, met.catalogue)  # items are in the order of how many users met them
    weight = collaborative.ease(met.first(kept), penalty)

    def score(users: Histories) -> NDArray[Any]:
        scores = np.full((len(users), met.catalogue), -1e3, np.float32)
        scores[:, :kept] = users.first(kept).bags() @ weight
        return scores

    return score


def _best(
    task: Task,
    values: Sequence[float],
    train: Told,
    validation: Told,
    way: Callable[[Histories, float], Scorer],
) -> float:
    """The value with the best recall@10 on the validation part; the middle one where there is none."""
    if not len(validation.labels):
        return values[len(values) // 2]
    met = told_histories(train, task.labels)
    truth = task.encode(validation.labels)

    def recall(value: float) -> float:
        answers = Ranked("", "", NOTHING, task, way(met, value)).answer(validation.contents(), len(truth))
        return task.value(task.decode(answers), truth)

    return max(values, key=recall)


def _factorised(met: Histories, certainty: float) -> Scorer:
    """Implicit alternating least squares (Hu et al. 2008); a user's factors are solved for from the history."""
    from implicit.als import AlternatingLeastSquares
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "blas"):  # it has threads of its own, and warns of others
        model = AlternatingLeastSquares(
            factors=FACTORS, alpha=certainty, regularization=0.1, iterations=ROUNDS, random_state=0, num_threads=1
        )
        model.fit(met.bags(), show_progress=False)

    def score(users: Histories) -> NDArray[Any]:
        factors = model.recalculate_user(np.arange(len(users)), users.bags())
        return np.asarray(factors @ model.item_factors.T)

    return score


def _batches(contents: Iterable[Any], most: int) -> Iterable[list[Any]]:
    waiting = iter(contents)
    while some := list(itertools.islice(waiting, most)):
        yield some
