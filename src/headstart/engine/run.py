"""Running a plan: phases in order, on one model, with its state kept on disk between them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING

from headstart.core import worker
from headstart.core.errors import StrategyError
from headstart.core.hardware import Stopwatch
from headstart.data.table import Examples
from headstart.engine.plan import Length, Plan, Solve
from headstart.engine.solve import affordable, bank_features, solve, solve_own
from headstart.engine.trained import Trained, Workplace
from headstart.sources import Source
from headstart.tasks import Task, use

if TYPE_CHECKING:
    from headstart.engine.training import Training


def run(
    plan: Plan, source: Source, parts: Mapping[str, Examples], place: Workplace, upcoming: Examples | None = None
) -> Trained:
    """Runs `plan` on `source` with the examples of `parts`, and gives what came of it.

    Args:
        upcoming: examples whose features will be asked for next (all of a target's, say): they are computed in the
            same pass as those to learn from. Labels are not looked at.

    The result is a pure function of plan, source, examples and seed. When `place.state` holds a checkpoint of this
    plan, it goes on from there, to the same result.
    """
    if plan.phases != (*plan.solved_first, *plan.trainings, *plan.solved_last):
        raise StrategyError("A head can be solved before all training or after it, and this plan does so in between.")
    watch = Stopwatch()
    tasks: dict[str, Task] = {head.name: use(dict(head.task)) for head in plan.heads}
    for task in tasks.values():
        source = source.reading(task.reads)
    if plan.start == "random":
        source = source.from_random(plan.seed)
    trained = Trained(plan, source, tasks, {}, {})
    for phase in plan.solved_first:
        if plan.head(phase.head).start == "own":
            solve_own(phase, trained, parts)
            continue
        task = tasks[phase.head]
        within = affordable(phase, task, source, parts[phase.part])
        if upcoming is not None:
            trained.filled.add(bank_features(within, task, source, place.bank, upcoming))
        head, notes = solve(within, task, source, place.bank, parts, trained.filled)
        trained.heads[phase.head] = head
        trained.solved[phase.head] = notes
    if plan.trainings:
        _train(plan, trained, parts, place, watch)
        for phase in plan.solved_last:
            if plan.head(phase.head).start == "own":
                solve_own(phase, trained, parts)
    trained.cost.seconds += watch.seconds
    trained.cost.forward_passes += trained.filled.computed
    trained.cost.from_bank += trained.filled.reused
    return trained


def _train(plan: Plan, trained: Trained, parts: Mapping[str, Examples], place: Workplace, watch: Stopwatch) -> None:
    """Gradient descent, with torch's random state as the caller left it afterwards."""
    import torch

    from headstart.engine.training import Training

    worker.end()  # what it loaded is loaded here now
    chosen = settled(plan, trained)
    with torch.random.fork_rng(devices=[]):
        training = Training(chosen, trained, parts, place, "state", watch)
        training.run()
        certainty = training.certainty()
        if plan.refit:
            training = _refit(chosen, training, trained, parts, place, watch)
            training.run()
        training.finish()
    for name, scale in certainty.items():
        if name not in trained.heads:
            continue  # the source's own
        trained.heads[name] = trained.heads[name].scaled(scale)


def settled(plan: Plan, trained: Trained) -> Plan:
    """The plan with each head reading the stages that its closed form chose."""
    heads = tuple(
        dataclasses.replace(head, at=trained.heads[head.name].at) if head.name in trained.heads else head
        for head in plan.heads
    )
    return dataclasses.replace(plan, heads=heads)


def _refit(
    plan: Plan,
    training: Training,
    trained: Trained,
    parts: Mapping[str, Examples],
    place: Workplace,
    watch: Stopwatch,
) -> Training:
    """Training again from the start on everything but the test, each phase as long as validation found best.

    The closed-form heads are solved anew on the larger part; when validation found no gain in training at all,
    they are the result.
    """
    share = len(parts["fit"]) / len(parts["train"])
    trainings = [
        dataclasses.replace(
            phase,
            stop=None,
            length=Length(steps=max(1, round(state.steps * share))),
            halt=state.best_step / state.steps if phase.stop else phase.halt,
        )
        for phase, state in zip(plan.trainings, training.progress, strict=True)
    ]
    waiting = iter(trainings)
    phases = tuple(
        dataclasses.replace(phase, part="fit", candidates=(training.plan.head(phase.head).at,))
        if isinstance(phase, Solve)
        else next(waiting)
        for phase in plan.phases
    )
    streams = tuple(
        dataclasses.replace(stream, part="fit" if stream.part == "train" else stream.part) for stream in plan.streams
    )
    again = dataclasses.replace(plan, streams=streams, phases=phases, refit=False)
    for phase in again.solved_first:
        trained.heads[phase.head], _ = solve(
            phase, trained.tasks[phase.head], trained.source, place.bank, parts, trained.filled
        )
    from headstart.engine.training import Training

    return Training(again, trained, parts, place, "refit", watch)
