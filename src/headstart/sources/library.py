"""What all sources of libraries share: a network that some library builds, and a description kept between runs."""

from __future__ import annotations

import copy
import dataclasses
from abc import abstractmethod
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from numpy.typing import NDArray

from headstart.core import files, fingerprints, settings, worker
from headstart.core.errors import SourceError
from headstart.sources import weights as weight_files
from headstart.sources.contract import Source
from headstart.sources.description import Description, SourceCard

if TYPE_CHECKING:
    import torch

DESCRIPTION_VERSION = 7


class LibrarySource(Source):
    """A model of some library. Subclasses say where its weights are, how it is built and what it takes."""

    family: str
    modality: str

    def __init__(self, name: str) -> None:
        self._name = name
        self.known: Mapping[str, Any] | None = None
        """Of an earlier run: its description, which its folder keeps."""

    def opened(self, known: Mapping[str, Any]) -> Self:
        """The source as a run's folder describes it."""
        self.known = known
        return self

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
        """A new network with its own classifier, if any; random weights come from torch's current generator."""

    @abstractmethod
    def preparation(self) -> dict[str, Any]:
        """How contents become inputs, from the source's own configuration, as JSON."""

    @abstractmethod
    def accepts(self, preparation: Mapping[str, Any]) -> str:
        """What one example is, in the words of a listing, such as 224 px."""

    @abstractmethod
    def own_labels(self) -> tuple[str, ...]:
        """Names of the classifier's outputs, or () when they are not known."""

    @abstractmethod
    def card(self) -> SourceCard:
        """Licence and provenance."""

    @abstractmethod
    def configuration(self) -> dict[str, Any]:
        """The library's own configuration as JSON."""

    def for_modality(self, modality: str, origin: str = "the target") -> LibrarySource:
        if modality != self.modality:
            super().for_modality(modality, origin)
        return self

    @property
    def pooling(self) -> str:
        """How a sequence becomes one vector: "mean", "first" or "last" of its positions."""
        return "mean"

    @property
    def answers_itself(self) -> bool:
        """Whether what the network returns is what is read of its last stage: what follows that stage's last module,
        such as a bias of its own, is then part of it."""
        return False

    def has_classifier(self) -> bool:
        """Whether the network ends in a linear layer that answers a task of its own."""
        return True

    @cached_property
    def description(self) -> Description:  # type: ignore[override]
        if self.known is not None:
            return Description.from_dict(self.known)
        identity, path = self._kept()
        if not path.exists():
            worker.call(_keep_description, self, identity, path)
        return dataclasses.replace(Description.load(path), name=self._name)

    def begin(self) -> None:
        if not self.is_described:
            worker.begin(_keep_description, self, *self._kept())

    @property
    def is_described(self) -> bool:
        return self.known is not None or self._kept()[1].exists()

    def _kept(self) -> tuple[str, Path]:
        """Its digest, and where its description is kept between runs."""
        identity = fingerprints.of_json({**self.identity(), "family": self.family})
        return identity, settings.current().descriptions / f"{identity}-{DESCRIPTION_VERSION}.json"

    def _describe(self, fingerprint: str) -> Description:
        import torch

        from headstart.sources.network import call
        from headstart.sources.stages import cut, find_classifier

        with torch.random.fork_rng(devices=[]):
            network = self.build(pretrained=False).eval()
        preparation = self.preparation()
        entry = self.entry_for(preparation)
        blank = {name: torch.from_numpy(array) for name, array in self.blank(preparation).items()}
        entered = entry(blank)
        try:
            classifier = find_classifier(network, lambda: call(network, entered)) if self.has_classifier() else ""
            stages = cut(network, lambda: call(network, entered), classifier, varies=self.varies)
            if self.answers_itself:
                stages = (*stages[:-1], dataclasses.replace(stages[-1], tap=""))
        except (SourceError, RuntimeError) as problem:
            raise SourceError(f"{self._name} cannot be used: {problem}") from None
        outputs = network.get_submodule(classifier).out_features if classifier else 0
        assert isinstance(outputs, int)
        parameters = sum(parameter.numel() for parameter in network.parameters())
        labels = self.own_labels()
        return Description(
            name=self._name,
            family=self.family,
            architecture=self.architecture,
            modality=self.modality,
            fingerprint=fingerprint,
            stages=stages,
            classifier=classifier,
            outputs=outputs,
            labels=labels if len(labels) == outputs else (),
            preparation=preparation,
            card=dataclasses.replace(self.card(), parameters=parameters),
            pooling=self.pooling,
            configuration=self.configuration(),
            accepts=self.accepts(preparation),
        )

    def entry(self) -> torch.nn.Module:
        return self.entry_for(self.description.preparation)

    @abstractmethod
    def entry_for(self, preparation: Mapping[str, Any]) -> torch.nn.Module:
        """`entry`, before the description is known."""

    @abstractmethod
    def blank(self, preparation: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
        """One or two examples with nothing in them, to see the network run."""

    def module(self) -> torch.nn.Module:
        import torch

        with torch.random.fork_rng(devices=[]):  # libraries draw random weights before they load the given ones
            torch.default_generator.manual_seed(self.seed or 0)
            network = self.build(pretrained=self.seed is None).eval()
        if self.changed is not None:
            arrays = {name: torch.from_numpy(value) for name, value in self.changed.items()}
            network.load_state_dict(arrays, strict=False)
        return network

    def weights(self) -> dict[str, NDArray[Any]]:
        return {name: tensor.detach().numpy() for name, tensor in self.module().state_dict().items()}

    def from_random(self, seed: int) -> Self:
        other = copy.copy(self)
        other.seed = seed
        return other


def _keep_description(source: LibrarySource, identity: str, path: Path) -> None:
    if not path.exists():  # else it was begun ahead of time
        source._describe(identity).save(path)


class FolderSource(LibrarySource):
    """A folder with config.json and model.safetensors, in some library's format."""

    def __init__(self, folder: Path, name: str) -> None:
        super().__init__(name)
        self.folder = folder
        self.path = weight_files.find(folder)

    @cached_property
    def _config(self) -> dict[str, Any]:
        return dict(files.read_json(self.folder / "config.json"))

    def identity(self) -> dict[str, Any]:
        return {"configuration": self._config, "weights": fingerprints.of_file(self.path)}

    def configuration(self) -> dict[str, Any]:
        return self._config

    def card(self) -> SourceCard:
        """As the configuration states them."""
        return SourceCard.stated(self._config, self.path.stat().st_size, str(self.folder))


class OwnFormat(FolderSource):
    """A format that no library is asked to open. How contents are prepared is a rule of this package, which makes it a
    part of what the source is."""

    @property
    def architecture(self) -> str:
        return self.family

    def identity(self) -> dict[str, Any]:
        return {**super().identity(), "preparation": self.preparation()}
