"""Few examples of each class: features of one class brought together and others apart, then the head in closed form.

After SetFit (Tunstall et al. 2022), with all pairs of a batch in one step in place of a list of pairs, whose number
grows with the square of the examples."""

from __future__ import annotations

from typing import ClassVar, Literal

import pydantic

from headstart.engine.plan import Head, Length, Objective, Plan, Schedule, Solve, Stream, Train
from headstart.sources import Source
from headstart.strategies.contract import Strategy, Target
from headstart.strategies.probe import HEAD
from headstart.tasks import Task


class Contrastive(Strategy):
    """Trains all stages past the first with pairs of examples, then solves the head on the new features."""

    title: ClassVar[str] = "Stages trained so that one class lies together, then a closed-form head"
    is_random: ClassVar[bool] = True

    freeze: str = pydantic.Field("first", description="x")
    objective: Literal["contrast", "pairs"] = pydantic.Field("contrast", description="x")
    temperature: float = pydantic.Field(0.1, gt=0, description="x")
    steps: int = pydantic.Field(40, ge=1, description="x")
    learning_rate: float = pydantic.Field(1e-4, gt=0, le=1, description="x")
    decay: float = pydantic.Field(1.0, gt=0, le=1, description="x")
    batch: int = pydantic.Field(48, ge=2, le=4096, description="x")
    views: int = pydantic.Field(4, ge=0, le=64, description="x")
    averaging: Literal["none", "ema", "wise"] = pydantic.Field("none", description="x")
    solver: str = pydantic.Field("best", description="x")
    refit: bool = pydantic.Field(False, description="x")
    warm_up: float = pydantic.Field(0.1, ge=0, lt=1, description="x")
    weight_decay: float = pydantic.Field(0.01, ge=0, description="x")

    def plan(self, source: Source, task: Task, target: Target, seed: int) -> Plan:
        last = source.stages[-1].name
        stages = [stage.name for stage in source.stages[1:] or source.stages]
        rates = tuple((s, self.learning_rate * self.decay ** (len(stages) - 1 - i)) for i, s in enumerate(stages))
        refit = self.refit and target.validation > 0
        part = "train" if refit else "fit"
        stream = Stream("target", part, (HEAD,), self.batch, self.views, weight=0.0, even=True)
        options = {"stage": last, "head": HEAD, "temperature": self.temperature}
        train = Train(
            "contrastive",
            rates,
            ("target",),
            Length(steps=self.steps),
            Schedule(self.warm_up),
            (Objective(self.objective, 1.0, options),),
            averaging=self.averaging,
            averaging_rate=0.9 if self.averaging == "ema" else 0.5,
            weight_decay=self.weight_decay,
        )
        solve = Solve(HEAD, part, ((last,),), self.solver)
        return Plan(
            "contrastive", (stream,), (Head(HEAD, task.describe(), (last,)),), (train, solve), refit=refit, seed=seed
        )
