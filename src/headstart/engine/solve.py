"""Heads in closed form, on features that the bank holds."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.bank import Bank, Filled, features_of
from headstart.bank.fill import fill
from headstart.core.errors import DataError
from headstart.core.progress import progress
from headstart.core.ragged import beside, is_ragged, joined, lengths, like
from headstart.data.contents import Told
from headstart.data.table import Examples
from headstart.engine.own import own_head
from headstart.engine.plan import Solve
from headstart.engine.trained import LinearHead, Trained
from headstart.measure.linear import LinearSolution
from headstart.measure.model_averaging import averaging_shares
from headstart.sources import Source
from headstart.sources.contract import Start
from headstart.sources.points import Point
from headstart.tasks import Task
from headstart.tasks.predictions import Targets
from headstart.tasks.solving import KnownHead

ABOUT_AS_GOOD = 1.05
"""Times the lowest left-out loss that training is expected to make good."""
MOST_NUMBERS = 64_000_000
"""Of features that are solved on: after the first candidate, wider ones are passed over where that would be more, since
solving holds several copies of them in memory."""


def read(
    form: str, bank: Bank, source: Source, examples: Examples, stages: Sequence[str], filled: Filled, view: int = 0
) -> NDArray[Any]:
    """Features of `stages`, side by side: pooled ones (N, D), or those at places, (N,) of (P, D)."""
    points = [Point(stage, form) for stage in stages]
    found = features_of(bank, source, examples, points, view)
    filled.add(found.filled)
    return beside([found.at[point] for point in points])


def affordable(phase: Solve, task: Task, source: Source, examples: Examples) -> Solve:
    """`phase` without the candidates, after the first, on whose features of `examples` solving would take too much
    memory."""
    rows = len(joined(task.numbers(task.encode(examples.labels(task.label)))))
    widths = [sum(source.description.stage(stage).width for stage in stages) for stages in phase.candidates]
    kept = [stages for stages, width in zip(phase.candidates, widths, strict=True) if rows * width <= MOST_NUMBERS]
    return replace(phase, candidates=tuple(dict.fromkeys((phase.candidates[0], *kept))))


def bank_features(phase: Solve, task: Task, source: Source, bank: Bank, examples: Examples) -> Filled:
    """Sees to it that the bank holds everything that `phase` reads, for all of `examples`, in one pass."""
    points = [Point(stage, task.reads) for stage in {one for candidate in phase.candidates for one in candidate}]
    return fill(source, examples, {point: bank.shelf(source, point) for point in points})


def solve(
    phase: Solve, task: Task, source: Source, bank: Bank, parts: Mapping[str, Examples], filled: Filled
) -> tuple[LinearHead, dict[str, Any]]:
    """The head on the candidate stages that do best left out, from features in the bank; see `best_of`.

    With more than one view, the solution is fitted on the mean of each example's features over its views: the
    same expectation as fitting on all of them, with one row an example, so leave-one-out stays exact.
    """
    examples = parts[phase.part]
    targets = task.encode(examples.labels(task.label))
    numbers = task.numbers(targets)
    every = sorted({stage for stages in phase.candidates for stage in stages})
    bank_pass = features_of(
        bank, source, examples, [Point(stage, task.reads) for stage in every]
    )  # all stages in one pass
    filled.add(bank_pass.filled)

    def mean_of_views(stages: tuple[str, ...]) -> NDArray[Any]:
        given = beside([bank_pass.at[Point(stage, task.reads)] for stage in stages])
        require_same_lengths(given, numbers, examples.ids(), examples.table.origin)
        if phase.views == 1:
            return given
        features = joined(given)
        for view in range(1, phase.views):
            features = features + joined(read(task.reads, bank, source, examples, stages, filled, view))
        return like(features / np.float32(phase.views), given)

    return best_of(phase, task, source, targets, mean_of_views, lambda stages: _known_heads(source, task, stages))


def _known_heads(source: Source, task: Task, stages: Sequence[str]) -> list[KnownHead]:
    """Heads on `stages`, side by side, that answer before anything is learned."""
    if not task.goes_on or source.seed is not None:
        return []
    starts, own = source.starts(), own_head(source, task)
    if own is not None:
        starts.append(Start("the source's own forecasts", own.at[0], own.weight, own.bias))
    columns = _columns(source, stages)
    found = []
    for start in starts:
        if start.stage in columns:
            weight = np.zeros((sum(map(len, columns.values())), start.weight.shape[1]))
            weight[columns[start.stage]] = start.weight
            found.append((start.title, weight, start.bias))
    return found


def _columns(source: Source, stages: Sequence[str]) -> dict[str, range]:
    """Where what is read of each of `stages` stands, when they are side by side."""
    ends = np.cumsum([0, *(source.description.stage(stage).width for stage in stages)]).tolist()
    return {stage: range(*pair) for stage, pair in zip(stages, itertools.pairwise(ends), strict=True)}


def solve_own(phase: Solve, trained: Trained, parts: Mapping[str, Examples]) -> None:
    """The part of the source's own head that has a closed form, beside the weights that are there so far."""
    label = trained.tasks[phase.head].label
    told = (Told.by(parts[name], label) for name in ("train", "validation", phase.part))
    source = trained.source.with_weights(trained.weights) if trained.weights else trained.source
    weights, notes = source.solved(*told)
    trained.weights.update(weights)
    trained.solved[phase.head] = notes


def best_of(
    phase: Solve,
    task: Task,
    source: Source,
    targets: Targets,
    features_at: Callable[[tuple[str, ...]], NDArray[Any]],
    known_heads: Callable[[tuple[str, ...]], Sequence[KnownHead]] | None = None,
    before: Mapping[tuple[str, ...], NDArray[Any]] | None = None,
) -> tuple[LinearHead, dict[str, Any]]:
    """The head with the lowest left-out loss among the candidate stages of `phase`; where the task says how likely
    left-out examples were, the average of those that may be the best.

    Args:
        features_at: from stages to their features, side by side: pooled (N, D), or at places (N,) of (P, D).
        known_heads: from stages to heads on them that answer already, for a task that goes on from these.
        before: from stages to left-out scores (N, K) from before the features were trained on these examples, if they
            were.
    """
    numbers = joined(task.numbers(targets))
    solutions: list[LinearSolution] = []
    tried = []
    with progress("Heads in closed form", len(phase.candidates)) as advance:
        for stages in phase.candidates:
            given = features_at(stages)
            known = known_heads(stages) if known_heads is not None else ()
            features = joined(given)
            solution = (
                task.solve_from(features, numbers, known) if known else task.solve(features, numbers, phase.solver)
            )
            solutions.append(solution)
            tried.append({"stages": list(stages), **_judged(task, solution, given, numbers, targets)})
            advance(1)
    losses = [one["left_out_loss"] for one in tried]
    shares = toward_trained(phase, _shares(task, solutions, losses, numbers), losses)
    stages, solution = _averaged(task, source, phase.candidates, solutions, shares, numbers)
    notes = _judged(task, solution, given, numbers, targets)
    if before is not None:
        earlier = [share * before[at] for at, share in zip(phase.candidates, shares, strict=True) if share]
        solution = task.humbled(solution, np.asarray(sum(earlier)), numbers)
    if phase.soften:
        solution = task.soften(solution, joined(features_at(stages)), numbers)
    for one, share in zip(tried, shares.tolist(), strict=True):
        one["share"] = round(share, 3)
    head = LinearHead(stages, solution.weight, solution.bias)
    return head, {**notes, "penalty": solution.penalty, "stages": list(stages), "tried": tried}


def _judged(
    task: Task, solution: LinearSolution, given: NDArray[Any], numbers: NDArray[Any], targets: Targets
) -> dict[str, Any]:
    return {
        "solver": solution.solver,
        "left_out_loss": task.left_out_loss(solution.left_out, numbers),
        "left_out_value": task.watch(like(solution.left_out, given), targets),
    }


def _shares(
    task: Task, solutions: Sequence[LinearSolution], losses: Sequence[float], numbers: NDArray[Any]
) -> NDArray[np.float64]:
    """(M,): of each solution in the head, adding up to one."""
    likelihoods = [task.left_out_likelihoods(solution.left_out, numbers) for solution in solutions]
    told = [one for one in likelihoods if one is not None]
    if len(told) == len(solutions) > 1:
        return averaging_shares(np.stack(told))
    return np.asarray(np.eye(len(solutions))[int(np.argmin(losses))])


def toward_trained(phase: Solve, shares: NDArray[Any], losses: Sequence[float]) -> NDArray[Any]:
    """The same shares (M,), unless none of what they read will be trained and another set of stages, of which something
    will be, is about as good."""
    reads = np.array([not set(phase.trained).isdisjoint(stages) for stages in phase.candidates])
    if not reads.any() or shares[reads].any():
        return shares
    among = np.where(reads, losses, np.inf)
    return np.eye(len(shares))[among.argmin()] if among.min() <= ABOUT_AS_GOOD * min(losses) else shares


def _averaged(
    task: Task,
    source: Source,
    candidates: Sequence[tuple[str, ...]],
    solutions: Sequence[LinearSolution],
    shares: NDArray[np.float64],
    numbers: NDArray[Any],
) -> tuple[tuple[str, ...], LinearSolution]:
    """The stages that have a share, side by side, and one solution on them; as sure as it is right left out."""
    best = solutions[int(shares.argmax())]
    parts = [part for part in zip(candidates, solutions, shares.tolist(), strict=True) if part[2]]
    if len(parts) == 1:
        return parts[0][0], best
    every = tuple(stage.name for stage in source.stages if any(stage.name in stages for stages, _, _ in parts))
    columns = _columns(source, every)
    weight = np.zeros((sum(map(len, columns.values())), best.weight.shape[1]))
    for stages, solution, share in parts:
        weight[np.concatenate([columns[stage] for stage in stages])] += share * solution.weight
    whole = replace(
        best,
        weight=weight,
        bias=np.asarray(sum(share * solution.bias for _, solution, share in parts)),
        left_out=np.asarray(sum(share * solution.left_out for _, solution, share in parts)),
    )
    return every, whole.scaled(task.calibrate(whole.left_out, numbers))


def require_same_lengths(features: NDArray[Any], targets: NDArray[Any], ids: Sequence[str], origin: str) -> None:
    """Refuses examples (called `ids`) that have another number of labels than of places.

    Raises:
        DataError: names the first.
    """
    if not is_ragged(features):
        return
    places, labels = lengths(features), lengths(targets)
    different = np.flatnonzero(places != labels)
    if len(different):
        row = int(different[0])
        raise DataError(
            f"{ids[row]} of {origin} has {places[row]} words and {labels[row]} tags. "
            "Give a tag for each word, or take the example out."
        )
