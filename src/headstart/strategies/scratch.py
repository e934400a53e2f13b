"""The same architecture from random weights: the baseline that knows no source."""

from __future__ import annotations

from typing import ClassVar

import pydantic

from headstart.engine.plan import Head, Length, Phase, Plan, Schedule, Stop, Stream, Train
from headstart.sources import Source
from headstart.strategies.contract import Strategy, Target
from headstart.strategies.options import Rate, UsualBatch, Views, usual_for
from headstart.strategies.probe import HEAD, closing
from headstart.tasks import Task


class Scratch(Strategy):
    """Trains every stage and the head from random weights, for a stated time or number of steps."""

    title: ClassVar[str] = "The same architecture from random weights"
    is_random: ClassVar[bool] = True

    seconds: float | None = pydantic.Field(
        None, gt=0, description="How long it trains; turned into steps by timing the first."
    )
    steps: int | None = pydantic.Field(
        None, ge=1, description="How long it trains, in steps; repeats an earlier run exactly."
    )
    epochs: float = pydantic.Field(30, gt=0, description="How long it trains when neither seconds nor steps are given.")
    learning_rate: Rate = pydantic.Field(2e-3, description="For AdamW.")
    batch: UsualBatch = None
    views: Views = 0
    evaluations: int = pydantic.Field(
        8, ge=1, description="Evaluations on the validation part; the best weights are kept."
    )

    def plan(self, source: Source, task: Task, target: Target, seed: int) -> Plan:
        new = [] if task.own_head else [HEAD]
        trains = tuple((name, self.learning_rate) for name in [*(stage.name for stage in source.stages), *new])
        length = (
            Length(steps=self.steps)
            if self.steps
            else Length(seconds=self.seconds)
            if self.seconds
            else Length(epochs=self.epochs)
        )
        batch = self.batch or usual_for(task).batch
        stream = Stream("target", "train", (HEAD,), batch, self.views, balanced=target.is_uneven)
        phase = Train(
            "from random weights",
            trains,
            ("target",),
            length,
            Schedule(0.05),
            stop=Stop("validation", 0, self.evaluations) if target.validation else None,
            statistics="updated",
            weight_decay=0.05,
        )
        head = Head(HEAD, task.describe(), (source.stages[-1].name,), start="own" if task.own_head else "random")
        phases: tuple[Phase, ...] = (phase, *closing(task, source))
        return Plan("scratch", (stream,), (head,), phases, start="random", seed=seed)
