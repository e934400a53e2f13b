"""The source stays as it is; a head is solved on its features in closed form."""

from __future__ import annotations

from typing import ClassVar, Literal

import pydantic

from headstart.core.errors import StrategyError
from headstart.engine.plan import Head, Plan, Solve
from headstart.sources import Source
from headstart.strategies.contract import Strategy, Target
from headstart.tasks import Task

HEAD = "label"


class Probe(Strategy):
    """Ridge and linear discriminant analysis with exact leave-one-out, calibrated; no gradient descent."""

    title: ClassVar[str] = "Closed-form head on frozen features"

    solver: Literal["best", "ridge", "lda", "logistic"] = pydantic.Field(
        "best", description="How the head is solved; best takes the lowest left-out loss of ridge, lda and both."
    )
    stages: str = pydantic.Field(
        "last",
        description="Stages to read: last, each (tries every one), or names; those joined by + are read side by side.",
    )
    views: int = pydantic.Field(1, ge=1, le=16, description="Augmented views of each example that are averaged.")

    def plan(self, source: Source, task: Task, target: Target, seed: int) -> Plan:
        del target
        if task.own_head:
            raise StrategyError(
                f"{task.kind} is answered by the source's own head, which has no closed form. Use --strategy finetune."
            )
        candidates = candidate_stages(source, self.stages)
        head = Head(HEAD, task.describe(), candidates[-1], start="solved")
        return Plan("probe", (), (head,), (Solve(HEAD, "fit", candidates, self.solver, self.views),), seed=seed)


def candidate_stages(source: Source, asked: str) -> tuple[tuple[str, ...], ...]:
    """The sets of stages that `asked` names: "last", "each", "a+b", or several separated by commas."""
    if asked == "last":
        return ((source.stages[-1].name,),)
    if asked == "each":
        return tuple((stage.name,) for stage in source.stages)
    sets = tuple(tuple(part.strip().split("+")) for part in asked.split(","))
    for name in (name for names in sets for name in names):
        source.description.stage(name)
    return sets
