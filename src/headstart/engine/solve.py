"""Heads in closed form, on features that the bank holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.bank import Bank, Filled, features_of
from headstart.bank.fill import fill
from headstart.data.table import Examples
from headstart.engine.plan import Solve
from headstart.engine.trained import LinearHead
from headstart.sources import Source
from headstart.sources.points import Point
from headstart.tasks import Task
from headstart.tasks.contract import Targets


def pooled(
    bank: Bank, source: Source, examples: Examples, stages: Sequence[str], filled: Filled, view: int = 0
) -> NDArray[np.float32]:
    """Pooled features (N, D) of `stages`, side by side."""
    points = [Point(stage) for stage in stages]
    found = features_of(bank, source, examples, points, view)
    filled.add(found.filled)
    return np.concatenate([found.at[point] for point in points], axis=1)


def bank_features(phase: Solve, source: Source, bank: Bank, examples: Examples) -> Filled:
    """Sees to it that the bank holds everything that `phase` reads, for all of `examples`, in one pass."""
    stages = {stage for candidate in phase.candidates for stage in candidate}
    return fill(source, examples, {Point(stage): bank.shelf(source, Point(stage)) for stage in stages})


def solve(
    phase: Solve, task: Task, source: Source, bank: Bank, parts: Mapping[str, Examples], filled: Filled
) -> tuple[LinearHead, dict[str, Any]]:
    """The candidate stages whose left-out loss is lowest, and the head solved on them, from features in the bank.

    With more than one view, the solution is fitted on the mean of each example's features over its views: the
    same expectation as fitting on all of them, with one row an example, so leave-one-out stays exact.
    """
    examples = parts[phase.part]
    targets = task.encode(examples.labels(task.label))
    every = sorted({stage for stages in phase.candidates for stage in stages})
    bank_pass = features_of(bank, source, examples, [Point(stage) for stage in every])  # all stages in one pass
    filled.add(bank_pass.filled)

    def mean_of_views(stages: tuple[str, ...]) -> NDArray[np.float32]:
        features: NDArray[np.float32] = np.concatenate([bank_pass.at[Point(stage)] for stage in stages], axis=1)
        for view in range(1, phase.views):
            features += pooled(bank, source, examples, stages, filled, view)
        return features / np.float32(phase.views)

    return best_of(phase, task, targets, mean_of_views)


def best_of(
    phase: Solve, task: Task, targets: Targets, features_at: Callable[[tuple[str, ...]], NDArray[np.float32]]
) -> tuple[LinearHead, dict[str, Any]]:
    """The head with the lowest left-out loss among the candidate stages of `phase`.

    Args:
        features_at: from stages to their pooled features (N, D), side by side.
    """
    best: tuple[float, LinearHead, dict[str, Any]] | None = None
    tried = []
    for stages in phase.candidates:
        features = features_at(stages)
        solution = task.solve(features, targets, phase.solver)
        loss = task.left_out_loss(solution.left_out, targets)
        value = task.value(task.decode(solution.left_out), targets)
        tried.append(
            {"stages": list(stages), "solver": solution.solver, "left_out_loss": loss, "left_out_value": value}
        )
        if phase.soften:
            solution = task.soften(solution, features, targets)
        if best is None or loss < best[0]:
            head = LinearHead(stages, solution.weight, solution.bias)
            best = (
                loss,
                head,
                {
                    "solver": solution.solver,
                    "penalty": solution.penalty,
                    "stages": list(stages),
                    "left_out_value": value,
                    "left_out_loss": loss,
                },
            )
    assert best is not None
    return best[1], {**best[2], "tried": tried}
