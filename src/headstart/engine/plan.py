"""A plan is data: streams of examples, heads that answer, and phases that train. Printable, savable, diffable."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from headstart.core import fingerprints


@dataclass(frozen=True)
class Stream:
    """Examples that flow into training, a batch a step."""

    name: str
    part: str
    """Which examples: a part of the splits, such as "train" or "fit"."""
    heads: tuple[str, ...]
    """The heads that learn from it; none for examples without labels."""
    batch: int = 32
    """Examples a step."""
    views: int = 1
    """1: as they are. More: that many augmented views of each example take turns. 0: a new view every epoch."""
    mix: Literal["none", "mixup", "cutmix"] = "none"
    balanced: bool = False
    """Whether rare classes weigh more in the loss (inverse frequency)."""
    weight: float = 1.0
    """Of this stream's loss in the sum; 0: its labels are for objectives alone."""
    even: bool = False
    """Whether each batch holds as many examples of every class, at least two of each that it holds."""


@dataclass(frozen=True)
class Head:
    """New layers that answer one task: linear, on the pooled outputs of some stages, side by side."""

    name: str
    task: Mapping[str, Any]
    """What `Task.describe` gives."""
    at: tuple[str, ...]
    start: Literal["random", "solved", "begun", "own"] = "random"
    """begun: random, but for labels that the source's own classifier has, which begin as they are there. own: the
    source's own head, which is its last stage; nothing new is made."""


@dataclass(frozen=True)
class Solve:
    """Closed form. With several candidates, how they do left out chooses, or says by which shares they are averaged.

    Ahead of all training it is done on the features of the untouched source, which the bank keeps; after it, on those
    of the trained network.
    """

    head: str
    part: str
    candidates: tuple[tuple[str, ...], ...]
    """Sets of stages whose features are tried."""
    solver: str = "best"
    views: int = 1
    """Views of each example whose mean is solved with; 1 for the example itself."""
    soften: bool = False
    """Whether the head is to be trained further, and so should leave a gradient on its own examples."""
    trained: tuple[str, ...] = ()
    """Stages that train afterwards. Training has no effect on a head that reads none of them, so one that does is taken
    where it is about as good."""
    kind: Literal["solve"] = "solve"


@dataclass(frozen=True)
class Objective:
    """An extra term of a phase's loss, by its name in the registry of objectives."""

    name: str
    weight: float
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Length:
    """How long a phase lasts; one of the three is given."""

    epochs: float | None = None
    """Times through the first stream."""
    steps: int | None = None
    seconds: float | None = None
    """Turned into a number of steps by timing the first few."""


@dataclass(frozen=True)
class Schedule:
    """Learning rate over a phase: linear warm-up, then cosine to a floor."""

    warm_up: float = 0.1
    """Share of the phase."""
    floor: float = 0.01
    """Share of the full rate that remains at the end."""


@dataclass(frozen=True)
class Stop:
    """Early stopping on the validation part's loss; the best weights are kept."""

    part: str = "validation"
    patience: int = 3
    """Evaluations without a gain after which the phase ends; 0 never ends early. The best weights are kept."""
    evaluations: int = 10
    """At most this many in a phase, evenly spaced."""


@dataclass(frozen=True)
class Train:
    """Gradient descent on some stages and heads."""

    name: str
    trains: tuple[tuple[str, float], ...]
    """(stage or head, learning rate); whatever is not listed is frozen."""
    streams: tuple[str, ...]
    length: Length
    schedule: Schedule = Schedule()
    objectives: tuple[Objective, ...] = ()
    averaging: Literal["none", "ema", "wise"] = "none"
    """ema: moving average of the weights. wise: interpolated with the weights the phase began with."""
    averaging_rate: float = 0.5
    """ema: decay a step, such as 0.99. wise: share of the trained weights."""
    stop: Stop | None = None
    statistics: Literal["frozen", "updated"] = "frozen"
    """Moments of batch norms in the stages that train; those of frozen stages never move."""
    weight_decay: float = 0.01
    gradient_norm: float = 1.0
    """Gradients are clipped to this norm; 0 leaves them."""
    halt: float = 1.0
    """Share of the length after which the phase ends, its schedule cut off there."""
    kind: Literal["train"] = "train"


@dataclass(frozen=True)
class Adapters:
    """Low-rank matrices that train beside frozen weights, in the stages that train (LoRA, Hu et al. 2022)."""

    targets: tuple[str, ...]
    """Paths of the linear layers and convolutions that have one."""
    rank: int = 8
    alpha: int = 16
    """What an adapter adds is scaled by alpha over rank."""
    dropout: float = 0.0
    dora: bool = False
    """Whether the length of each output's weights is learned apart from their direction (DoRA, Liu et al. 2024)."""
    norms: tuple[str, ...] = ()
    """Paths of the norms that train as well."""
    learned: tuple[tuple[str, int, int], ...] = ()
    """(stage, numbers learned in its adapters, numbers learned in its norms)."""


@dataclass(frozen=True)
class Plan:
    """Everything that `engine.run` needs to know besides the source and the examples."""

    strategy: str
    streams: tuple[Stream, ...]
    heads: tuple[Head, ...]
    phases: tuple[Solve | Train, ...]
    start: Literal["source", "random"] = "source"
    """Weights before the first phase: the source's, or random ones of the same architecture."""
    refit: bool = False
    """After the phases, train again on train and validation together, as long as validation found best."""
    seed: int = 0
    adapters: Adapters | None = None
    """When given, stages that train do so by these alone; their own weights stay frozen until both are merged."""

    def head(self, name: str) -> Head:
        return next(head for head in self.heads if head.name == name)

    def stream(self, name: str) -> Stream:
        return next(stream for stream in self.streams if stream.name == name)

    @property
    def trainings(self) -> tuple[Train, ...]:
        return tuple(phase for phase in self.phases if isinstance(phase, Train))

    @property
    def solved_first(self) -> tuple[Solve, ...]:
        """What is solved on the untouched source."""
        return tuple(phase for phase in itertools.takewhile(_is_solve, self.phases) if isinstance(phase, Solve))

    @property
    def solved_last(self) -> tuple[Solve, ...]:
        """What is solved on the trained network, once all training is done."""
        after = itertools.dropwhile(_is_solve, self.phases)
        return tuple(phase for phase in after if isinstance(phase, Solve))

    @property
    def parts(self) -> set[str]:
        """The parts of a target that are learned from or chosen by."""
        solves = {phase.part for phase in self.phases if isinstance(phase, Solve)}
        stops = {phase.stop.part for phase in self.trainings if phase.stop}
        return {stream.part for stream in self.streams} | solves | stops | ({"validation"} if self.refit else set())

    def trained_stages(self) -> set[str]:
        """Stages that any phase trains."""
        heads = {head.name for head in self.heads}
        return {name for phase in self.trainings for name, _ in phase.trains} - heads

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def fingerprint(self) -> str:
        return fingerprints.of_json(self.as_dict())

    @staticmethod
    def from_dict(document: Mapping[str, Any]) -> Plan:
        return Plan(
            **{
                **document,
                "streams": tuple(Stream(**{**s, "heads": tuple(s["heads"])}) for s in document["streams"]),
                "heads": tuple(Head(**{**h, "at": tuple(h["at"])}) for h in document["heads"]),
                "phases": tuple(_phase(phase) for phase in document["phases"]),
                "adapters": _adapters(document["adapters"]) if document.get("adapters") else None,
            }
        )


Phase = Solve | Train


def _is_solve(phase: Phase) -> bool:
    return isinstance(phase, Solve)


def _adapters(document: Mapping[str, Any]) -> Adapters:
    return Adapters(
        **{
            **document,
            "targets": tuple(document["targets"]),
            "norms": tuple(document["norms"]),
            "learned": tuple((stage, added, own) for stage, added, own in document["learned"]),
        }
    )


def _phase(document: Mapping[str, Any]) -> Solve | Train:
    if document["kind"] == "solve":
        sets = {"candidates": tuple(map(tuple, document["candidates"])), "trained": tuple(document.get("trained", ()))}
        return Solve(**{**document, **sets})
    return Train(
        **{
            **document,
            "trains": tuple((name, rate) for name, rate in document["trains"]),
            "streams": tuple(document["streams"]),
            "length": Length(**document["length"]),
            "schedule": Schedule(**document["schedule"]),
            "objectives": tuple(Objective(**objective) for objective in document["objectives"]),
            "stop": Stop(**document["stop"]) if document["stop"] else None,
        }
    )
