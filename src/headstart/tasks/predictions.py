"""What tasks are answered with: scores, what is decoded from them, and measures of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.measure.scores import Statistic

Scores = NDArray[np.float64]
"""(N, K): what a head gives, before decoding (logits, or the numbers themselves); of a task that reads places, an
object array (N,) of (P, K)."""
Targets = NDArray[Any]
"""(N,) or (N, K): labels as the task's metrics take them; of a task that reads places, (N,) of (P, …)."""
Numbers = NDArray[Any]
"""(N,) or (N, K), or (N,) of (P, …): targets as loss and solvers take them."""


@dataclass(frozen=True)
class Metric:
    """One measure of predictions, on stored per-item values so that intervals can be made from it."""

    name: str
    title: str
    statistic: Statistic
    """Weights of items (R, N) -> values (R,)."""
    greater_is_better: bool = True


@dataclass(frozen=True)
class Predictions:
    """Decoded answers for N examples."""

    scores: Scores
    answers: list[Any]
    """One Python value an example: a label, a list of labels, a number, a tag for each word."""
    probabilities: NDArray[np.float64] | None
    """(N, K) where the task has them."""
    confidence: NDArray[np.float64]
    """(N,) how sure the answer is; for sorting mistakes."""
    is_probability: bool = False
    """Whether `confidence` is the probability that the answer is right, rather than a measure to sort by."""

    @property
    def tells_confidence(self) -> bool:
        """Whether the surest mistakes are those to look at first."""
        return self.is_probability or self.probabilities is not None
