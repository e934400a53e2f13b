"""What every source gives: stages, preparation, its live network, and files its own library opens.

A source is described by plain data (`Description`), kept between runs, so that a frozen source whose features
are in the bank is used without importing the library it comes from.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from headstart.core import files

if TYPE_CHECKING:
    import torch

POOLED, PLACES = "pooled", "places"
"""What a head reads: one vector an example, or one at each place that is answered, such as each word."""
ROWS = "rows"
"""Input (N, R): the rows of a batch that each example's parts are; -1 fills up. Without it a row is an example."""
Inputs = Mapping[str, NDArray[Any]]
"""What one example (or, with a leading axis, a batch) looks like to a source, before normalisation."""


@dataclass(frozen=True)
class Stage:
    """One slice of a source, in order from input to output: the unit of freezing, of learning rates, of features."""

    name: str
    owns: tuple[str, ...]
    """Paths of modules and parameters that belong to it; every parameter of the trunk belongs to one stage."""
    tap: str
    """Path of the module whose output is the stage's output (the last stage's is the input of the classifier)."""
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

    def stage(self, name: str) -> Stage:
        from headstart.core.errors import SourceError
        from headstart.core.registry import suggest

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


@dataclass(frozen=True)
class Artefact:
    """How a trained network is written so that the source's own library opens it."""

    documents: dict[str, Any]
    """File name -> JSON document, such as config.json."""
    copies: tuple[Path, ...]
    """Files copied as they are (a preprocessor, a tokenizer)."""
    opens_with: str
    """The line of Python that opens the folder with that library; empty when only this project does."""


class Source(ABC):
    """A pretrained model: its description, its preparation, and its live network."""

    description: Description
    seed: int | None = None
    """None: the pretrained weights. A number: the same architecture from random weights drawn with that seed."""
    changed: Mapping[str, NDArray[Any]] | None = None
    """Weights that training put in the place of the source's, by the library's own names. Such a source lives as long
    as the process: what is computed with it is not kept."""

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
    def fingerprint(self) -> str:
        return (
            self.description.fingerprint if self.seed is None else f"random-{self.seed}-{self.description.fingerprint}"
        )

    @abstractmethod
    def prepare(self, content: Any) -> Inputs:
        """One content (bytes, array, picture) to the source's inputs.

        Raises:
            Unreadable: the content cannot be decoded.
        """

    def remarks(self, contents: Iterable[Any]) -> list[str]:
        """What a user should know of how these contents become inputs, such as that some are cut off."""
        del contents
        return []

    @abstractmethod
    def view(self, content: Any, view: int, key: str) -> Inputs:
        """The same, augmented: view 0 is `prepare`; every other view is a pure function of (view, key)."""

    @abstractmethod
    def collate(self, inputs: Sequence[Inputs]) -> Inputs:
        """A batch, with a leading axis."""

    def reading(self, form: str) -> Source:
        """The same source for heads that read `form`: "pooled" or "places".

        Raises:
            SourceError: it has nothing of that form.
        """
        from headstart.core.errors import SourceError

        if form == POOLED:
            return self
        raise SourceError(
            f"{self.title} answers for an example as a whole, and this task asks for an answer at each of its places, "
            "such as words. Use a text encoder, such as hf/distilbert-base-uncased."
        )

    def places(self, inputs: Inputs) -> int:
        """At how many places of an example answers are given."""
        del inputs
        return 1

    def few(self, batch: Inputs, count: int) -> Inputs:
        """The first `count` examples of a batch."""
        return {name: values[:count] for name, values in batch.items()}

    @property
    def varies(self) -> bool:
        """Whether examples differ in length."""
        return False

    def length(self, inputs: Inputs) -> int:
        """How long an example is; batches are made of examples of about the same length."""
        del inputs
        return 1

    @abstractmethod
    def noise(self, count: int) -> Inputs:
        """A batch of random inputs, always the same, to compare two copies of a network with."""

    @abstractmethod
    def entry(self) -> torch.nn.Module:
        """A module from a batch of inputs, as tensors, to what the network takes: a tensor, or arguments by name."""

    @abstractmethod
    def module(self) -> torch.nn.Module:
        """A fresh live network with its own classifier, in eval mode, on the CPU, in float32."""

    @abstractmethod
    def weights(self) -> dict[str, NDArray[Any]]:
        """The weights as they lie on disk, by the library's own names, without building the network."""

    def on_disk(self, changed: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """`changed` weights of the live network by the names, and in the shapes, in which `weights` has them."""
        return dict(changed)

    @abstractmethod
    def artefact(self, labels: Sequence[str], outputs: int) -> Artefact:
        """The files beside the weights for a network whose classifier has `outputs` outputs."""

    @abstractmethod
    def from_random(self, seed: int) -> Source:
        """The same architecture with random weights."""

    def with_weights(self, changed: Mapping[str, NDArray[Any]]) -> Source:
        """The same network with some weights in the place of its own."""
        other = copy.copy(self)
        other.changed = changed
        return other

    def with_head(self, head: str) -> Source:
        """The same model with the head of its own that a task needs ("causal-lm", "masked-lm"), or, for "", as a trunk
        without it.

        Raises:
            SourceError: it has no such head.
        """
        if not head:
            return self
        from headstart.core.errors import SourceError

        raise SourceError(
            f"{self.title} has no language-model head. Choose a text model of transformers: hf/NAME or a folder."
        )

    def divide(self, content: Any) -> list[Any]:
        """Parts of a content that the source takes one by one; itself where a content is never too long."""
        return [content]

    def generate(self, prompt: str, *, most: int = 100, sample: bool = False, seed: int = 0) -> str:
        """The text that goes on from `prompt`; at most `most` more pieces.

        Raises:
            SourceError: it does not write texts.
        """
        from headstart.core.errors import SourceError

        del prompt, most, sample, seed
        raise SourceError(f"{self.title} does not write texts. Use a run of --task language-modeling.")

    @abstractmethod
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one example's input (the longest), for messages and tables."""


def float_weights(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Floating-point weights as float32, others unchanged."""
    return {name: array.astype(np.float32) if array.dtype.kind == "f" else array for name, array in arrays.items()}
