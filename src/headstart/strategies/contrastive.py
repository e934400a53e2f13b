"""Few examples of each class: features of one class brought together and others apart, then the head in closed form.

After SetFit (Tunstall et al. 2022), with all pairs of a batch in one step in place of a list of pairs, whose number
grows with the square of the examples.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import pydantic

from headstart.core.errors import StrategyError
from headstart.engine.plan import Head, Length, Objective, Plan, Schedule, Solve, Stream, Train
from headstart.sources import Source
from headstart.strategies.contract import Strategy, Target
from headstart.strategies.finetune import stages_after
from headstart.strategies.options import Averaging, Rate, Solver, Views, WarmUp, WeightDecay
from headstart.strategies.probe import HEAD, candidate_stages, last_stages
from headstart.tasks import Task


class Contrastive(Strategy):
    """Trains the last stages by pairs of examples, then solves the head on the features that gives."""

    title: ClassVar[str] = "Features of one class brought together, then a closed-form head"
    is_random: ClassVar[bool] = True

    objective: Literal["contrast", "pairs"] = pydantic.Field(
        "contrast",
        description="contrast: supervised contrastive loss; pairs: each pair's cosine towards 1 or 0, as SetFit does.",
    )
    temperature: float = pydantic.Field(
        0.1, gt=0, le=10, description="Of the supervised contrastive loss: lower looks at the nearest pairs more."
    )
    freeze: str = pydantic.Field("auto", description="Last stage that stays frozen: auto, none (all train), or a name.")
    steps: int = pydantic.Field(
        20, ge=1, le=100_000, description="Batches to train on, however many examples there are."
    )
    learning_rate: Rate = pydantic.Field(2e-4, description="Of the stages that train, for AdamW.")
    batch: int = pydantic.Field(
        48, ge=2, le=4096, description="Examples a step, as many of every class; all their pairs are compared."
    )
    views: Views = 4
    averaging: Averaging = pydantic.Field(
        "none", description="ema: moving average of weights; wise: half-way back to the start (WiSE-FT)."
    )
    refit: bool = pydantic.Field(
        False, description="First train without the validation examples, to learn from them how sure answers may be."
    )
    stages: str = pydantic.Field(
        "auto",
        description="Stages that the head reads, as for probe. auto: the last four side by side, or the last one where "
        "the head takes a classifier's place.",
    )
    solver: Solver = "best"
    warm_up: WarmUp = 0.1
    weight_decay: WeightDecay = 0.01

    def plan(self, source: Source, task: Task, target: Target, seed: int) -> Plan:
        if task.own_head:
            raise StrategyError(
                f"contrastive makes a new head, and {task.kind} is answered by the source's own. "
                "Use --strategy finetune or lora."
            )
        if task.reads != "pooled":
            raise StrategyError(
                f"contrastive brings whole examples together, and {task.kind} answers at places within them. "
                "Use --strategy finetune or lora."
            )
        last = source.stages[-1].name
        refit = self.refit and target.validation > 0
        part = "train" if refit else "fit"
        stream = Stream("target", part, (HEAD,), self.batch, self.views, weight=0.0, even=True)
        options: dict[str, Any] = {"stage": last, "head": HEAD}
        if self.objective == "contrast":
            options["temperature"] = self.temperature
        train = Train(
            name="contrastive",
            trains=tuple((stage, self.learning_rate) for stage in self._training(source)),
            streams=("target",),
            length=Length(steps=self.steps),
            schedule=Schedule(self.warm_up),
            objectives=(Objective(self.objective, 1.0, options),),
            averaging=self.averaging,
            averaging_rate=0.9 if self.averaging == "ema" else 0.5,
            weight_decay=self.weight_decay,
        )
        read = last_stages(source)[-1:] if self.stages == "auto" else candidate_stages(source, self.stages)
        solve = Solve(HEAD, part, read, self.solver)
        head = Head(HEAD, task.describe(), read[-1])
        return Plan("contrastive", (stream,), (head,), (train, solve), refit=refit, seed=seed)

    def _training(self, source: Source) -> list[str]:
        """The stages that train.

        Raises:
            StrategyError: there is none.
        """
        stages = stages_after(source, self.freeze)
        if not stages:
            raise StrategyError(
                f"With freeze '{self.freeze}' no stage of {source.title} trains, and contrastive trains nothing else. "
                "Choose an earlier stage with freeze, or the strategy probe."
            )
        return stages
