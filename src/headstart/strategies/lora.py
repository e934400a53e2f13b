"""Low-rank adapters beside frozen weights, from the closed-form head on (LoRA, Hu et al. 2022)."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, ClassVar, Literal

import pydantic

from headstart.core.errors import StrategyError
from headstart.engine.plan import Adapters, Plan, Train
from headstart.sources import Source
from headstart.strategies.contract import Strategy, Target
from headstart.strategies.finetune import Finetune, stages_after
from headstart.strategies.options import (
    Epochs,
    Mix,
    Patience,
    Rate,
    UsualBatch,
    UsualHeadRate,
    UsualViews,
    WarmUp,
    WeightDecay,
)
from headstart.tasks import Task

if TYPE_CHECKING:
    from torch import nn

AUTO = "auto"


class Lora(Strategy):
    """Trains the head and small matrices beside the weights of the last stages; the weights stay as they are."""

    title: ClassVar[str] = "Closed-form head, then low-rank adapters trained with it"
    is_random: ClassVar[bool] = True

    rank: int = pydantic.Field(8, ge=1, le=1024, description="Of each adapter: more learns more and weighs more.")
    alpha: int = pydantic.Field(16, ge=1, description="What adapters add is scaled by alpha over rank.")
    dropout: float = pydantic.Field(0.0, ge=0, lt=1, description="Share of an adapter's inputs dropped in training.")
    dora: bool = pydantic.Field(
        False, description="Learn the length of each output's weights apart from their direction (DoRA)."
    )
    targets: str = pydantic.Field(
        AUTO, description="Layers with an adapter: auto (linear ones and convolutions), or ends of names, by commas."
    )
    norms: bool = pydantic.Field(False, description="Train the norms of the stages with adapters, too.")
    freeze: str = pydantic.Field(
        AUTO, description="Last stage without adapters: auto, none (all have them), or a name."
    )
    epochs: Epochs | None = pydantic.Field(
        None, description="Times through the training examples; fewer for many by default."
    )
    learning_rate: Rate = pydantic.Field(2e-3, description="Of the adapters, for AdamW.")
    head_rate: UsualHeadRate = None
    batch: UsualBatch = None
    views: UsualViews = None
    mix: Mix = "none"
    averaging: Literal["none", "ema"] = pydantic.Field("ema", description="ema: moving average of the adapters.")
    patience: Patience = 4
    refit: bool | None = pydantic.Field(
        None, description="Train again with the validation examples; by default with few examples."
    )
    warm_up: WarmUp = 0.1
    weight_decay: WeightDecay = 0.01

    def plan(self, source: Source, task: Task, target: Target, seed: int) -> Plan:
        """The plan of `finetune`, with adapters in the stages that train."""
        own = {*Lora.model_fields} - {*Finetune.model_fields}
        finetune = Finetune(**self.model_dump(exclude=own), decay=1.0)
        plan = finetune.plan(source, task, target, seed)
        phases = tuple(
            dataclasses.replace(phase, name="lora") if isinstance(phase, Train) else phase for phase in plan.phases
        )
        return dataclasses.replace(plan, strategy="lora", phases=phases, adapters=self._adapters(source))

    def _adapters(self, source: Source) -> Adapters:
        from headstart.engine import adapters

        names = stages_after(source, self.freeze)
        stages = [stage for stage in source.stages if stage.name in names]
        paths = [path for stage in stages for path in stage.owns]
        body = source.module()
        given = Adapters(
            self._chosen(source, body, paths),
            self.rank,
            self.alpha,
            self.dropout,
            self.dora,
            tuple(adapters.norms(body, paths)) if self.norms else (),
        )
        return dataclasses.replace(given, learned=adapters.counts(body, given, stages))

    def _chosen(self, source: Source, body: nn.Module, paths: list[str]) -> tuple[str, ...]:
        """Paths of the layers that get an adapter.

        Raises:
            StrategyError: there is none, in these stages or of these names.
        """
        from headstart.engine.adapters import adaptable

        found = adaptable(body, paths)
        if not found:
            raise StrategyError(
                f"The stages of {source.title} after '{self.freeze}' have no linear layer or plain convolution that "
                "an adapter could stand beside. Choose an earlier stage with freeze, or the strategy finetune."
            )
        if self.targets == AUTO:
            return tuple(found)
        asked = [name.strip() for name in self.targets.split(",")]
        ends = sorted({path.rpartition(".")[2] for path in found})
        for name in asked:
            if not any(_ends(path, name) for path in found):
                raise StrategyError(
                    f"{source.title} has no layer '{name}' for an adapter in the stages that train. "
                    f"Names there end in: {', '.join(ends)}; or auto."
                )
        return tuple(path for path in found if any(_ends(path, name) for name in asked))


def _ends(path: str, name: str) -> bool:
    return path == name or path.endswith(f".{name}")
