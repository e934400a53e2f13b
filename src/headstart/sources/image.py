"""What all image sources share: preparation, views, and a description that is kept between runs."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from headstart.core import fingerprints, settings
from headstart.core.errors import SourceError
from headstart.data.modalities.image import Image, ImagePreparation
from headstart.sources.contract import Description, Inputs, Source, SourceCard

if TYPE_CHECKING:
    import torch

DESCRIPTION_VERSION = 2


class ImageSource(Source):
    """An image classifier of some library. Subclasses say where its weights are and how it is built."""

    family: str

    def __init__(self, name: str, seed: int | None = None) -> None:
        self._name = name
        self.seed = seed
        self.known: Mapping[str, Any] | None = None
        """Of an earlier run: its description, which its folder keeps."""

    @property
    def name(self) -> str:
        return self._name

    @property
    @abstractmethod
    def architecture(self) -> str:
        """The library's name of the architecture."""

    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """What distinguishes this source from every other: configuration and digest of the weights."""

    @abstractmethod
    def build(self, pretrained: bool) -> torch.nn.Module:
        """A new network with its own classifier; random weights come from torch's current generator."""

    @abstractmethod
    def image_preparation(self) -> ImagePreparation:
        """From the source's own configuration."""

    @abstractmethod
    def own_labels(self) -> tuple[str, ...]:
        """Names of the classifier's outputs, or () when they are not known."""

    @abstractmethod
    def card(self) -> SourceCard:
        """Licence and provenance."""

    @abstractmethod
    def configuration(self) -> dict[str, Any]:
        """The library's own configuration as JSON."""

    @cached_property
    def description(self) -> Description:  # type: ignore[override]
        if self.known is not None:
            return Description.from_dict(self.known)
        identity = fingerprints.of_json({**self.identity(), "family": self.family})
        path = settings.current().descriptions / f"{identity}-{DESCRIPTION_VERSION}.json"
        if path.exists():
            return dataclasses.replace(Description.load(path), name=self._name)
        description = self._describe(identity)
        description.save(path)
        return description

    def _describe(self, fingerprint: str) -> Description:
        import torch

        from headstart.sources.stages import cut, find_classifier

        preparation = self.image_preparation()
        with torch.random.fork_rng(devices=[]):
            network = self.build(pretrained=False).eval()
        blank = torch.zeros(1, 3, preparation.height, preparation.width)
        try:
            classifier = find_classifier(network, blank)
            stages = cut(network, blank, classifier)
        except (SourceError, RuntimeError) as problem:
            raise SourceError(f"{self._name} cannot be used: {problem}") from None
        outputs = network.get_submodule(classifier).out_features
        assert isinstance(outputs, int)
        parameters = sum(parameter.numel() for parameter in network.parameters())
        labels = self.own_labels()
        return Description(
            name=self._name,
            family=self.family,
            architecture=self.architecture,
            modality="image",
            fingerprint=fingerprint,
            stages=stages,
            classifier=classifier,
            outputs=outputs,
            labels=labels if len(labels) == outputs else (),
            preparation=preparation.as_dict(),
            card=dataclasses.replace(self.card(), parameters=parameters),
            configuration=self.configuration(),
        )

    @cached_property
    def _preparation(self) -> ImagePreparation:
        return ImagePreparation.from_dict(self.description.preparation)

    @cached_property
    def _decoder(self) -> Image:
        return Image()

    def _decode(self, content: Any) -> Any:
        preparation = self._preparation
        return self._decoder.decode(content, preparation.resize or max(preparation.height, preparation.width))

    def prepare(self, content: Any) -> Inputs:
        return {"image": self._preparation.prepare(self._decode(content))}

    def view(self, content: Any, view: int, key: str) -> Inputs:
        return {"image": self._preparation.augment(self._decode(content), view, key)}

    def collate(self, inputs: Sequence[Inputs]) -> Inputs:
        return {"image": np.stack([example["image"] for example in inputs])}

    def entry(self) -> torch.nn.Module:
        from headstart.sources.network import ImageEntry

        return ImageEntry(self._preparation.mean, self._preparation.std)

    def module(self) -> torch.nn.Module:
        import torch

        with torch.random.fork_rng(devices=[]):  # libraries draw random weights before they load the given ones
            torch.default_generator.manual_seed(self.seed or 0)
            return self.build(pretrained=self.seed is None).eval()

    def weights(self) -> dict[str, NDArray[Any]]:
        return {name: tensor.detach().numpy() for name, tensor in self.module().state_dict().items()}

    def from_random(self, seed: int) -> Source:
        import copy

        other = copy.copy(self)
        other.seed = seed
        return other
