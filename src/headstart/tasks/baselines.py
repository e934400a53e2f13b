"""Answers that know no source: what a task is compared with."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from headstart.data.contents import Told
from headstart.tasks.predictions import Scores, Targets


@dataclass(frozen=True)
class Baseline:
    """A way to answer that costs nothing and knows no source."""

    name: str
    title: str
    scores: Scores
    """(1, K): the same answer for every example; or (N, K)."""

    def answer(self, contents: Iterable[Any], count: int) -> Scores:
        """Scores of `count` examples, whose contents (see `Task.baselines_of`) need not be looked at."""
        del contents
        return np.repeat(self.scores, count, axis=0)


class HasBaselines(ABC):
    """The part of `Task` that is answered without a source."""

    looks_at: ClassVar[Literal["contents", "inputs"]] = "contents"
    """What trivial baselines are shown: contents, or the inputs that the source makes of them."""
    plain: ClassVar[str] = "with a linear model"
    """What is done with hand-made features (see `fit_plain`), behind their name; empty where nothing is."""
    strengths: ClassVar[tuple[float, ...]] = (1.0, 10.0, 100.0)
    """Inverse strengths of the penalty that are tried on them."""

    @abstractmethod
    def baselines(self, targets: Targets) -> list[Baseline]:
        """Trivial answers from the training targets alone."""

    def baselines_of(self, targets: Targets, contents: Iterable[Any]) -> list[Baseline]:
        """The same, where they may also look at the training examples: see `looks_at`."""
        del contents
        return self.baselines(targets)

    def rivals(self, train: Told, validation: Told, fit: Told, asked: int) -> tuple[list[Baseline], list[str]]:
        """What people of the field would fit without a source and without a network, and sentences about what of that
        is left out; what there is to choose is chosen on `validation`.

        Args:
            asked: how many examples they will answer.
        """
        del train, validation, fit, asked
        return [], []

    def fit_plain(self, features: Any, targets: Targets, strength: float) -> Callable[[Any], Scores] | None:
        """What a pragmatist makes of hand-made features (N, D), sparse or dense, such as a linear model: from features
        to scores (N, K). None where the task has none.

        Args:
            strength: inverse strength of the penalty.
        """
        del features, targets, strength
        return None
