"""The source stays as it is; a head is solved on its features in closed form."""

from __future__ import annotations

from typing import ClassVar

import pydantic

from headstart.core.errors import StrategyError
from headstart.engine.plan import Head, Plan, Solve
from headstart.sources import Source
from headstart.strategies.contract import Strategy, Target
from headstart.strategies.options import Solver
from headstart.tasks import Task

HEAD = "label"
SIDE_BY_SIDE = (1, 2, 4)
"""Numbers of last stages that are tried where no classifier has to fit: blocks before the last one often know more of
a new task than what the model was last trained for."""


class Probe(Strategy):
    """Ridge and linear discriminant analysis with exact leave-one-out, calibrated; no gradient descent."""

    title: ClassVar[str] = "Closed-form head on frozen features"

    solver: Solver = "best"
    stages: str = pydantic.Field(
        "auto",
        description="Stages to read: auto, last, each (tries every one), or names; those joined by + are read side by "
        "side. auto: the last one, where the head takes a classifier's place; else the last one, two or four.",
    )
    views: int = pydantic.Field(1, ge=1, le=16, description="Augmented views of each example that are averaged.")

    def plan(self, source: Source, task: Task, target: Target, seed: int) -> Plan:
        del target
        if closing(task, source):
            own = Head(HEAD, task.describe(), (source.stages[-1].name,), start="own")
            return Plan("probe", (), (own,), closing(task, source), seed=seed)
        if task.own_head:
            raise StrategyError(
                f"{task.kind} is answered by the source's own head, which has no closed form. Use --strategy finetune."
            )
        if not task.solvers:
            raise StrategyError(f"{task.kind} has no closed form. Use --strategy {task.usual_strategy}.")
        candidates = candidate_stages(source, self.stages)
        head = Head(HEAD, task.describe(), candidates[-1], start="solved")
        return Plan("probe", (), (head,), (Solve(HEAD, "fit", candidates, self.solver, self.views),), seed=seed)


def closing(task: Task, source: Source) -> tuple[Solve, ...]:
    """What is solved of the source's own head, once its network is as it will be; nothing where none of it is."""
    return (Solve(HEAD, "fit", ((source.stages[-1].name,),)),) if task.own_head and task.solvers else ()


def candidate_stages(source: Source, asked: str) -> tuple[tuple[str, ...], ...]:
    """The sets of stages that `asked` names: "auto", "last", "each", "a+b", or several separated by commas."""
    names = [stage.name for stage in source.stages]
    if asked == "auto":
        return source.offers or last_stages(source)
    if asked == "last":
        return ((names[-1],),)
    if asked == "each":
        return tuple((name,) for name in names)
    sets = tuple(tuple(part.strip().split("+")) for part in asked.split(","))
    for name in (name for names in sets for name in names):
        source.description.stage(name)
    return sets


def last_stages(source: Source) -> tuple[tuple[str, ...], ...]:
    """The last one, two and four, side by side; the last one alone where the head takes a classifier's place."""
    names = [stage.name for stage in source.stages]
    counts = (1,) if source.description.classifier else SIDE_BY_SIDE
    return tuple(dict.fromkeys(tuple(names[-count:]) for count in counts))
