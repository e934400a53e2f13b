"""A head solved in closed form, then the last stages trained with it: LP-FT (Kumar et al. 2022)."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Literal

import pydantic

from headstart.core.errors import StrategyError
from headstart.engine.plan import Head, Length, Objective, Phase, Plan, Schedule, Solve, Stop, Stream, Train
from headstart.sources import Source
from headstart.sources.points import POOLED
from headstart.strategies.contract import Strategy, Target
from headstart.strategies.options import (
    SOLVED,
    UNALIGNED,
    Averaging,
    Epochs,
    Mix,
    Patience,
    Rate,
    Usual,
    UsualBatch,
    UsualHeadRate,
    UsualViews,
    WarmUp,
    WeightDecay,
    usual_for,
)
from headstart.strategies.probe import HEAD, candidate_stages, closing
from headstart.tasks import Task

DEFAULT_SHARE = 0.75
"""Of the parameters (those of tables aside) that train by default: the last stages with at least this share."""
MANY = 5000
"""From so many examples on, everything trains by default where whole texts are answered for."""
MOST_EPOCHS, LEAST_EPOCHS, SEEN = 8, 2, 5000
"""Times through the examples by default: as many as see SEEN examples in all, within these bounds."""
UNALIGNED_STEPS = 300
"""At least this many steps by default where nobody says which place is which label: such a head first learns to say
nothing anywhere, and only then what is said."""
FEW = 2000
"""With fewer examples than this, those held out are learned from too in the end."""
EVALUATED = 0.2
"""Share of the training's cost that its evaluations may add, an example of them costing a third of one that is learned
from; no fewer than LEAST_EVALUATIONS, no more than MOST_EVALUATIONS."""
LEAST_EVALUATIONS, MOST_EVALUATIONS = 4, 10
LARGE = 20_000_000
"""Parameters of a source from which no more than the rate of SOLVED is usual: large networks forget at higher ones."""


class Finetune(Strategy):
    """Trains the head and the last stages from the closed-form head on; earlier stages stay frozen."""

    title: ClassVar[str] = "Closed-form head, then the last stages trained with it"
    is_random: ClassVar[bool] = True

    freeze: str = pydantic.Field(
        "auto",
        description="Last stage that stays frozen: auto, none (all train), all (only the head trains), or a name. "
        f"auto: what is before the last {DEFAULT_SHARE:.0%} of the parameters; none with {MANY} texts or more.",
    )
    epochs: Epochs | None = pydantic.Field(
        None,
        description=f"Times through the training examples; by default {MOST_EPOCHS} for few, fewer for many; "
        f"for transcripts at least {UNALIGNED_STEPS} steps.",
    )
    learning_rate: Rate | None = pydantic.Field(
        None,
        description=f"Of the last stage, for AdamW; by default {SOLVED.learning_rate:g}, for transcripts "
        f"{UNALIGNED.learning_rate:g}.",
    )
    head_rate: UsualHeadRate = None
    decay: Rate = pydantic.Field(0.8, description="Each earlier stage trains at this share of the next one's rate.")
    gradual: bool = pydantic.Field(
        False, description="Unfreeze in three phases: head, later half, everything that trains."
    )
    batch: UsualBatch = None
    views: UsualViews = None
    mix: Mix = "none"
    l2_sp: float = pydantic.Field(0.0, ge=0, description="Weight of the pull towards the weights a phase began with.")
    averaging: Averaging = pydantic.Field(
        "ema", description="ema: moving average of weights; wise: half-way back to the start (WiSE-FT)."
    )
    patience: Patience = 4
    refit: bool | None = pydantic.Field(
        None,
        description="Train again with the validation examples, as long as they found best; by default with fewer than "
        f"{FEW} examples.",
    )
    warm_up: WarmUp = 0.1
    weight_decay: WeightDecay = 0.01
    statistics: Literal["frozen", "updated"] = pydantic.Field(
        "frozen", description="Whether batch norms of stages that train keep the source's moments."
    )

    def plan(self, source: Source, task: Task, target: Target, seed: int) -> Plan:
        if self.mix != "none":
            _require_mixable(self.mix, source)
        usual = self._usual(source, task)
        rates = self._rates(source, task, target, usual)
        stream = Stream("target", "train", (HEAD,), usual.batch, usual.views, self.mix, target.is_uneven)
        candidates = candidate_stages(source, "auto")
        trained = tuple(name for name in rates if name != HEAD and source.description.stage(name).parameters)
        head = Head(HEAD, task.describe(), candidates[-1], start="solved")
        phases: list[Phase] = [Solve(HEAD, "train", candidates, "best", soften=True, trained=trained)]
        if not task.solvers:
            head, phases = Head(HEAD, task.describe(), (source.stages[-1].name,), start="begun"), []
        if task.own_head:
            head, phases = Head(HEAD, task.describe(), (source.stages[-1].name,), start="own"), []
        sets = [tuple(rates.items())] if not self.gradual else gradual_sets(source, rates)
        least = 0 if task.aligned else UNALIGNED_STEPS * min(usual.batch, target.train) / max(1, target.train)
        epochs = (self.epochs or max(least, usual_epochs(target.train))) / len(sets)
        stop = Stop("validation", self.patience, evaluations(target, epochs)) if target.validation else None
        for number, trains in enumerate(sets):
            phases.append(
                Train(
                    name="finetune" if len(sets) == 1 else f"finetune {number + 1} of {len(sets)}",
                    trains=trains,
                    streams=("target",),
                    length=Length(epochs=epochs),
                    schedule=Schedule(self.warm_up),
                    objectives=(Objective("l2_sp", self.l2_sp),) if self.l2_sp else (),
                    averaging=self.averaging,
                    averaging_rate=0.98 if self.averaging == "ema" else 0.5,
                    stop=stop,
                    statistics=self.statistics,
                    weight_decay=self.weight_decay,
                )
            )
        few = target.train + target.validation < FEW
        refit = (few if self.refit is None else self.refit) and target.validation > 0
        if last := closing(task, source):  # what is solved last is chosen by the validation part, so it stays unseen
            phases, refit = [*phases, *last], False
        return Plan("finetune", (stream,), (head,), tuple(phases), refit=refit, seed=seed)

    def _usual(self, source: Source, task: Task) -> Usual:
        """What the user says, and what is usual for the task where that is nothing."""
        usual = usual_for(task)
        if source.description.card.parameters > LARGE:
            usual = replace(usual, learning_rate=SOLVED.learning_rate)
        said = {name: getattr(self, name) for name in vars(usual) if getattr(self, name) is not None}
        return replace(usual, **said)

    def _rates(self, source: Source, task: Task, target: Target, usual: Usual) -> dict[str, float]:
        """Learning rates of the stages that train, falling towards the input, and of the head, if one is made.

        Raises:
            StrategyError: nothing is left to train.
        """
        of_texts = any(stage.is_table for stage in source.stages) and task.reads == POOLED and not task.own_head
        all_train = self.freeze == "auto" and of_texts and target.train >= MANY
        training = stages_after(source, "none" if all_train else self.freeze)
        rates = {
            stage: usual.learning_rate * self.decay ** (len(training) - 1 - place)
            for place, stage in enumerate(training)
        }
        if not task.own_head:
            return {**rates, HEAD: usual.head_rate}
        if not any(source.description.stage(name).parameters for name in rates):
            raise StrategyError(f"With --freeze {self.freeze} nothing of {source.title} trains. Freeze less of it.")
        return rates


def _require_mixable(mix: str, source: Source) -> None:
    if not source.mixes:
        raise StrategyError(
            f"{mix} needs inputs of one size, and those of {source.title} differ in length. Leave mix out."
        )
    if mix == "cutmix" and len(source.input_shape()) < 2:
        raise StrategyError(f"cutmix cuts boxes out of pictures and spectra, and {source.title} takes neither. "
                            "Use mix=mixup.")  # fmt: skip


def usual_epochs(examples: int) -> float:
    return min(MOST_EPOCHS, max(LEAST_EPOCHS, SEEN / max(1, examples)))


def evaluations(target: Target, epochs: float) -> int:
    """How many times the validation part is looked at in a phase of so many epochs."""
    affordable = int(EVALUATED * 3 * epochs * target.train / target.validation)
    return min(MOST_EVALUATIONS, max(LEAST_EVALUATIONS, affordable))


def stages_after(source: Source, freeze: str) -> list[str]:
    """The stages that train when everything up to `freeze` is frozen.

    Raises:
        StrategyError: no stage of that name.
    """
    names = [stage.name for stage in source.stages]
    if freeze == "none":
        return names
    if freeze == "all":
        return []
    if freeze == "auto":
        stages = [stage for stage in source.stages if not stage.is_table] or source.stages
        total = sum(stage.parameters for stage in stages)
        kept = 0
        for place in range(len(stages) - 1, -1, -1):
            kept += stages[place].parameters
            if kept >= DEFAULT_SHARE * total:
                return [stage.name for stage in stages[place:]]
        return names
    if freeze not in names:
        raise StrategyError(
            f"{source.name} has no stage '{freeze}' to freeze up to. Its stages: {', '.join(names)}; "
            "or auto, none, all."
        )
    return names[names.index(freeze) + 1 :]


def gradual_sets(source: Source, rates: dict[str, float]) -> list[tuple[tuple[str, float], ...]]:
    """The head, then the later half of the stages with it, then all of them (after Howard and Ruder 2018). Where the
    source's own head answers, the last stages take the place of the head."""
    stages = [name for name in rates if name != HEAD]
    own = [HEAD] if HEAD in rates else []
    first = [] if own else _last_with_parameters(source, stages)
    later = stages[len(stages) // 2 :]
    chosen: list[list[str]] = [first, later, stages] if len(stages) > 1 else [first, stages]
    sets = [tuple((name, rates[name]) for name in [*names, *own]) for names in chosen]
    return [one for place, one in enumerate(sets) if place == 0 or len(one) > len(sets[place - 1])]


def _last_with_parameters(source: Source, stages: list[str]) -> list[str]:
    """The shortest end of `stages` that has parameters: those of a tied head belong to the embeddings."""
    place = max(place for place, name in enumerate(stages) if source.description.stage(name).parameters)
    return stages[place:]
