"""Heads in closed form: what a task gives that has one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from headstart.core.errors import StrategyError
from headstart.measure.calibration import shrinkage
from headstart.measure.linear import LinearSolution
from headstart.tasks.predictions import Numbers, Scores

UNSURE = 0.99
"""Of the doubt of answers that know nothing: no head is asked to doubt more."""
KnownHead = tuple[str, NDArray[np.float64], NDArray[np.float64]]
"""Title, weight (D, K) and bias (K,) of a head that answers already."""


class MayBeSolved:
    """The part of `Task` that is answered where there is a closed form.

    Raises:
        StrategyError: `solve` and `left_out_loss`, where there is none.
    """

    kind: ClassVar[str]
    solvers: ClassVar[tuple[str, ...]] = ()
    """Ways to fit the head, the first tried by default; none where there is no closed form."""
    goes_on: ClassVar[bool] = False
    """Whether a head in closed form departs from the source's own, where that answers the same: see `solve_from`."""

    def solve(self, features: NDArray[np.float32], targets: Numbers, solver: str) -> LinearSolution:
        """The head in closed form, calibrated, with its left-out scores."""
        del features, targets, solver
        raise self._has_none()

    def solve_from(
        self, features: NDArray[np.float32], targets: Numbers, starts: Sequence[KnownHead]
    ) -> LinearSolution:
        """The same, drawn towards heads that answer already."""
        raise NotImplementedError(f"{self.kind} does not go on from a head")

    def soften(self, solution: LinearSolution, features: NDArray[np.float32], targets: Numbers) -> LinearSolution:
        """The head as a start for training: where it fits its own examples too well to leave a gradient, less sure."""
        del features, targets
        return solution

    def humbled(self, solution: LinearSolution, before: Scores, targets: Numbers) -> LinearSolution:
        """A head on features that were trained on the same examples, so that its left-out scores are surer than they
        may be: how much of what they gained over those (N, K) `before` training is learned by heart is not known, so
        the doubt is put between the two."""
        del before, targets
        return solution

    def left_out_loss(self, scores: Scores, targets: Numbers) -> float:
        """One number to choose by among solutions' left-out scores; lower is better."""
        del scores, targets
        raise self._has_none()

    def left_out_likelihoods(self, scores: Scores, targets: Numbers) -> NDArray[np.float64] | None:
        """(N,): the logarithm of how likely scores (N, K) found each of N examples that do not depend on each other, by
        which heads on several sets of stages are averaged; None where that has no meaning."""
        del scores, targets
        return None

    def _has_none(self) -> StrategyError:
        return StrategyError(f"{self.kind} has no closed form. Use --strategy finetune.")


def doubting(doubt: Callable[[float], float], wrong: Sequence[float], count: int) -> float:
    """The factor of scores, at most 1, at which the mean doubt of answers lies half-way, as ratios go, between the
    shares of `count` answers that were `wrong` before training and after it."""
    least = 1 / (count + 2)
    before, after = (max(share, least) for share in wrong)
    return shrinkage(doubt, min(math.sqrt(before * after), UNSURE * doubt(0.0)))
