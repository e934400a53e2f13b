"""What is known of a source without its weights in memory: plain data, kept between runs as JSON."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from headstart.core import files
from headstart.core.errors import SourceError
from headstart.core.registry import suggest


@dataclass(frozen=True)
class Stage:
    """One slice of a source, in order from input to output: the unit of freezing, of learning rates, of features."""

    name: str
    owns: tuple[str, ...]
    """Paths of modules and parameters that belong to it; every parameter of the trunk belongs to one stage."""
    tap: str
    """Path of the module whose output is the stage's output (the last stage's is the input of the classifier); empty
    where that is what the network returns."""
    layout: str
    """Of the output: "pooled" (N, D), "sequence" (N, L, D), "map" (N, D, H, W) or "map-last" (N, H, W, D)."""
    shape: tuple[int, ...]
    """Of one example's output; -1 for an axis whose length differs between examples."""
    width: int
    """D, the length of the pooled features."""
    parameters: int
    is_table: bool = False
    """Whether it only looks vectors up, such as those of word pieces: an example reads few of very many."""


@dataclass(frozen=True)
class SourceCard:
    """What a person wants to know before starting from a source."""

    licence: str = "not stated"
    trained_on: str = "not stated"
    parameters: int = 0
    size: int = 0
    """Bytes of the weights on disk; 0 when not on this machine."""
    place: str = ""
    """Folder or hub address."""

    @classmethod
    def stated(cls, configuration: Mapping[str, Any], size: int, place: str, trained_on: str = "not stated") -> Self:
        """What a configuration says of itself; `trained_on` where it does not say that."""
        licence = str(configuration.get("license", "not stated"))
        return cls(licence, str(configuration.get("trained_on", trained_on)), size=size, place=place)


@dataclass(frozen=True)
class Description:
    """Everything about a source that does not need its weights in memory."""

    name: str
    family: str
    architecture: str
    modality: str
    fingerprint: str
    """Digest of architecture, configuration and weights."""
    stages: tuple[Stage, ...]
    classifier: str
    """Path of the linear layer that answers the source's own task; empty when there is none."""
    outputs: int
    """How many outputs that layer has; 0 when there is none."""
    labels: tuple[str, ...]
    """Names of those outputs; empty when not known."""
    preparation: dict[str, Any]
    card: SourceCard
    pooling: str = "mean"
    """How a sequence becomes one vector: "mean", "first" or "last" of its positions."""
    configuration: dict[str, Any] = field(default_factory=dict)
    """The library's own configuration, from which the saved artefact's is made."""
    accepts: str = ""
    """What one example is, in the words of a listing: 224 px, 256 pieces, 16 kHz, 512 steps, last 50 items."""

    def stage(self, name: str) -> Stage:
        for stage in self.stages:
            if stage.name == name:
                return stage
        raise SourceError(f"{self.name} has no stage '{name}'. {suggest(name, [s.name for s in self.stages])}")

    def save(self, path: Path) -> None:
        files.write_json(path, asdict(self))

    @staticmethod
    def load(path: Path) -> Description:
        return Description.from_dict(files.read_json(path))

    @staticmethod
    def from_dict(document: Mapping[str, Any]) -> Description:
        stages = tuple(
            Stage(**{**stage, "owns": tuple(stage["owns"]), "shape": tuple(stage["shape"])})
            for stage in document["stages"]
        )
        return Description(
            **{
                **document,
                "stages": stages,
                "labels": tuple(document["labels"]),
                "card": SourceCard(**document["card"]),
            }
        )


class Described(ABC):
    """What has a description, and a name for people."""

    description: Description

    @property
    def name(self) -> str:
        return self.description.name

    @property
    def title(self) -> str:
        """The name for people: of a folder, its last part only."""
        return Path(self.name).name if Path(self.name).is_absolute() else self.name

    @property
    def stages(self) -> tuple[Stage, ...]:
        return self.description.stages

    @property
    def is_described(self) -> bool:
        """Whether its description is at hand, without its network being built."""
        return True

    def begin(self) -> None:  # noqa: B027 - most have nothing to begin with
        """Has the worker, if there is one, build the network that the description is taken from."""
