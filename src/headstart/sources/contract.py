"""What every source gives: stages, preparation, its live network, and files its own library opens.

A source is described by plain data (`Description`), kept between runs, so that a frozen source whose features
are in the bank is used without importing the library it comes from.
"""

from __future__ import annotations

import copy
import sys
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from headstart.core.errors import SourceError
from headstart.sources.inputs import Inputs
from headstart.sources.points import AHEAD, PLACES, POOLED
from headstart.sources.recommending import RECOMMENDER, MayRecommend
from headstart.sources.writing import MayWrite

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Artefact:
    """How a trained network is written so that the source's own library opens it."""

    documents: dict[str, Any]
    """File name -> JSON document, such as config.json."""
    copies: tuple[Path, ...]
    """Files copied as they are (a preprocessor, a tokenizer)."""
    opens_with: str
    """The line of Python that opens the folder with that library; empty when only this project does."""


@dataclass(frozen=True)
class Start:
    """Scores that are read off one stage with nothing to be learned: its output times `weight` (D, K), plus `bias`."""

    title: str
    stage: str
    weight: NDArray[np.float64]
    bias: NDArray[np.float64]


class Source(MayWrite, MayRecommend):
    """A pretrained model: its description, its preparation, and its live network."""

    seed: int | None = None
    """None: the pretrained weights. A number: the same architecture from random weights drawn with that seed."""
    changed: Mapping[str, NDArray[Any]] | None = None
    """Weights that training put in the place of the source's, by the library's own names. Such a source lives as long
    as the process: what is computed with it is not kept."""

    @property
    def fingerprint(self) -> str:
        return (
            self.description.fingerprint if self.seed is None else f"random-{self.seed}-{self.description.fingerprint}"
        )

    @property
    def modality(self) -> str:
        """What it takes. Families say so of themselves, so that nothing has to be loaded to know it."""
        return self.description.modality

    @abstractmethod
    def prepare(self, content: Any) -> Inputs:
        """One content (bytes, array, picture) to the source's inputs.

        Raises:
            Unreadable: the content cannot be decoded.
        """

    def remarks(self, contents: Iterable[Any], counts: Mapping[str, Mapping[str, int]]) -> list[str]:
        """What a user should know of how these contents become inputs, such as that some are cut off.

        Args:
            counts: of each property that the modality finds in contents, how many have which value.
        """
        del contents, counts
        return []

    @abstractmethod
    def view(self, content: Any, view: int, key: str) -> Inputs:
        """The same, augmented: view 0 is `prepare`; every other view is a pure function of (view, key)."""

    def turns(self, views: int) -> Sequence[int]:
        """The views that take turns in training, where there are so many."""
        return range(views)

    def divide(self, content: Any) -> list[Any]:
        """Parts of a content that the source takes one by one; itself where a content is never too long."""
        return [content]

    @abstractmethod
    def collate(self, inputs: Sequence[Inputs]) -> Inputs:
        """A batch, with a leading axis."""

    def few(self, batch: Inputs, count: int) -> Inputs:
        """The first `count` examples of a batch."""
        return {name: values[:count] for name, values in batch.items()}

    def places(self, inputs: Inputs) -> int:
        """At how many places of an example answers are given."""
        return len(inputs[PLACES]) if PLACES in inputs else 1

    def length(self, inputs: Inputs) -> int:
        """How long an example is; batches are made of examples of about the same length."""
        del inputs
        return 1

    @property
    def varies(self) -> bool:
        """Whether examples differ in length."""
        return False

    @property
    def together(self) -> int:
        """What the lengths of examples that are computed at once sum to at most, where memory has to hold."""
        return sys.maxsize

    @property
    def mixes(self) -> bool:
        """Whether the inputs of two examples can be mixed, as numbers of one size."""
        return not self.varies

    @abstractmethod
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one example's input (the longest), for messages and tables."""

    def for_modality(self, modality: str, origin: str = "the target") -> Source:
        """The same source for contents of `modality`, which `origin` holds.

        Raises:
            SourceError: it takes others.
        """
        if modality == self.description.modality:
            return self
        raise SourceError(
            f"{self.name} takes {self.description.modality} and {origin} holds {modality}. "
            f"Choose a source for {modality}: `headstart sources` lists them."
        )

    def with_head(self, head: str) -> Source:
        """The same model with the head of its own that a task needs ("causal-lm", "masked-lm", "seq2seq-lm",
        "recommender"), or, for "", as a trunk without it.

        Raises:
            SourceError: it has no such head.
        """
        if not head:
            return self
        if head == RECOMMENDER:
            raise SourceError(
                f"{self.title} does not recommend. Choose a text source, such as builtin/text-tiny, to know items by, "
                "or what headstart pretrain --objective recommendation makes."
            )
        raise SourceError(
            f"{self.title} has no language-model head. Choose a text model of transformers: hf/NAME or a folder."
        )

    def reading(self, form: str) -> Source:
        """The same source for heads that read `form`: "pooled" or "places".

        Raises:
            SourceError: it has nothing of that form.
        """
        if form == POOLED:
            return self
        if form == AHEAD:
            raise SourceError(
                f"{self.title} does not take series, and what comes next is to be told. Use builtin/series-tiny."
            )
        raise SourceError(
            f"{self.title} answers for an example as a whole, and this task asks for an answer at each of its places, "
            "such as words. Use a text encoder, such as hf/distilbert-base-uncased."
        )

    def suited(self, contents: Iterable[Any], outlook: tuple[int, int] | None = None) -> Source:
        """The same source, set for such contents, where it has to be: for their number of channels, say.

        Args:
            outlook: where what comes next is told: so many steps, and so many of a season.
        """
        del contents, outlook
        return self

    @property
    def setting(self) -> Any:
        """What `suited` set, without the source: small, to be kept and handed to `set_to`."""
        return None

    def set_to(self, setting: Any) -> Source:
        """The same source, set as another one like it was."""
        del setting
        return self

    def toward(self, stages: Iterable[str]) -> Source:
        """The same source, which makes no inputs that only other stages than these need."""
        del stages
        return self

    @abstractmethod
    def from_random(self, seed: int) -> Source:
        """The same architecture with random weights."""

    def with_weights(self, changed: Mapping[str, NDArray[Any]]) -> Source:
        """The same network with some weights in the place of its own."""
        other = copy.copy(self)
        other.changed = changed
        return other

    def first_layers(self, layers: int) -> Source:
        """The network's first layers, as they are, behind a new classifier that knows nothing yet: what a smaller
        network starts from that learns from this one (after Sanh et al. 2019).

        Raises:
            SourceError: it cannot be shortened, or has fewer layers.
        """
        del layers
        raise SourceError(f"{self.title} cannot be shortened. Name an architecture of timm with --arch.")

    @abstractmethod
    def entry(self) -> torch.nn.Module:
        """A module from a batch of inputs, as tensors, to what the network takes: a tensor, or arguments by name."""

    @abstractmethod
    def module(self) -> torch.nn.Module:
        """A fresh live network with its own classifier, in eval mode, on the CPU, in float32."""

    @abstractmethod
    def noise(self, count: int) -> Inputs:
        """A batch of random inputs, always the same, to compare two copies of a network with."""

    @abstractmethod
    def weights(self) -> dict[str, NDArray[Any]]:
        """The weights as they lie on disk, by the library's own names, without building the network."""

    def on_disk(self, changed: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """`changed` weights of the live network by the names, and in the shapes, in which `weights` has them."""
        return dict(changed)

    @abstractmethod
    def artefact(self, labels: Sequence[str], outputs: int) -> Artefact:
        """The files beside the weights for a network whose classifier has `outputs` outputs."""

    def starts(self) -> list[Start]:
        """Answers that some of its stages hold already, and from which a new head may depart."""
        return []

    @property
    def offers(self) -> tuple[tuple[str, ...], ...]:
        """Sets of stages that a new head may read, side by side, where the source knows better than the strategy."""
        return ()

    def named(self, labels: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """Weight (D, K) and bias (K,) of a classifier of `labels` by what their names mean; None where it knows only
        the labels that it was taught."""
        del labels
        return None

    @property
    def context(self) -> int:
        """How many past values it looks at, of a series; 0 where it takes none."""
        return 0

    @property
    def describer(self) -> Source | None:
        """The source of the features by which it knows the things that contents refer to; None where contents are all
        that there is."""
        return None
