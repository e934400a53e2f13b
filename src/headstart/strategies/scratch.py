"""The same architecture from random weights: the baseline that knows no source."""

from __future__ import annotations

from typing import ClassVar

import pydantic

from headstart.engine.plan import Head, Length, Phase, Plan, Schedule, Stop, Stream, Train
from headstart.sources import Source
from headstart.strategies.contract import Strategy, Target
from headstart.strategies.finetune import SOLVED, UNALIGNED
from headstart.strategies.probe import HEAD, closing
from headstart.tasks import Task

IMBALANCE = 3.0


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
    learning_rate: float = pydantic.Field(2e-3, gt=0, le=1, description="For AdamW.")
    batch: int | None = pydantic.Field(
        None,
        ge=1,
        le=4096,
        description=f"Examples a step; by default {SOLVED.batch}, for transcripts {UNALIGNED.batch}.",
    )
    views: int = pydantic.Field(
        0, ge=0, le=64, description="Augmented views of each example; 0 makes a new one every epoch."
    )
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
        batch = self.batch or (SOLVED if task.aligned else UNALIGNED).batch
        stream = Stream("target", "train", (HEAD,), batch, self.views, balanced=target.imbalance > IMBALANCE)
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
