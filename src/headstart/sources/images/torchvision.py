"""Sources of torchvision: architectures by name, weights from its own cache of checkpoints."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.core import files, fingerprints
from headstart.core.errors import SourceError
from headstart.core.registry import suggest
from headstart.data.modalities.image import ImagePreparation
from headstart.sources import weights
from headstart.sources.contract import Artefact, Source
from headstart.sources.description import SourceCard
from headstart.sources.images.source import ImageSource

if TYPE_CHECKING:
    import torch

DOCUMENT = "torchvision.json"
INCEPTIONS = ("inception_v3", "googlenet")
"""Their published weights want values between -1 and 1, to which the library brings them inside the network; here the
preparation does it. They have auxiliary heads."""


def open_torchvision(name: str) -> Source:
    """`torchvision/NAME` with the library's default weights, or `torchvision/NAME:WEIGHTS` (such as IMAGENET1K_V1)."""
    architecture, _, chosen = name.partition(":")
    return TorchvisionSource(architecture, chosen or "DEFAULT")


class TorchvisionSource(ImageSource):
    """An architecture of torchvision.models with one of its published weights, or with those of a run's folder."""

    family = "torchvision"

    def __init__(
        self,
        architecture: str,
        chosen: str = "DEFAULT",
        *,
        folder: Path | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name or f"torchvision/{architecture}")
        self._architecture = architecture
        self._chosen = chosen
        self._folder = folder
        self._published()  # an unknown name is refused here, not in the middle of the work

    @property
    def architecture(self) -> str:
        return self._architecture

    def _published(self) -> Any:
        from torchvision import models

        known = models.list_models(module=models)
        if self._architecture not in known:
            raise SourceError(
                f"torchvision has no classifier '{self._architecture}'. {suggest(self._architecture, known)}"
            )
        choices = models.get_model_weights(self._architecture)
        if self._chosen not in choices.__members__:
            raise SourceError(
                f"torchvision/{self._architecture} has no weights '{self._chosen}'. "
                f"{suggest(self._chosen, choices.__members__)}"
            )
        return choices[self._chosen]

    @cached_property
    def _document(self) -> dict[str, Any]:
        """What stands in a run's folder; for published weights, the same made from torchvision's registry."""
        if self._folder is not None:
            return dict(files.read_json(self._folder / DOCUMENT))
        published = self._published()
        recipe = published.transforms()
        own_moments = self._architecture in INCEPTIONS
        return {
            "architecture": self._architecture,
            "weights": str(published),
            "url": published.url,
            "num_classes": len(published.meta["categories"]),
            "labels": list(published.meta["categories"]),
            "input": {
                "crop": recipe.crop_size[0],
                "resize": recipe.resize_size[0],
                "interpolation": recipe.interpolation.value,
                "mean": [0.5] * 3 if own_moments else recipe.mean,
                "std": [0.5] * 3 if own_moments else recipe.std,
            },
        }

    def identity(self) -> dict[str, Any]:
        if self._folder is not None:
            return {"document": self._document, "weights": fingerprints.of_file(weights.find(self._folder))}
        return {"document": self._document}  # the file's name holds the digest of its bytes, which is checked

    def configuration(self) -> dict[str, Any]:
        return self._document

    def build(self, pretrained: bool) -> torch.nn.Module:
        from torchvision import models

        special: dict[str, Any] = {}
        if self._architecture in INCEPTIONS:  # the auxiliary heads are for training from scratch only
            special = {"aux_logits": True, "init_weights": False, "transform_input": False}
        network = models.get_model(
            self._architecture, weights=None, num_classes=self._document["num_classes"], **special
        )
        if pretrained and self._folder is None:
            weights.into(network, self._checkpoint(), self._file())
        if special:
            network.aux_logits = False
            network.AuxLogits = network.aux1 = network.aux2 = None
        if pretrained and self._folder is not None:
            path = weights.find(self._folder)
            weights.into(network, weights.load(path), path)
        return network  # type: ignore[no-any-return]

    def _file(self) -> Path:
        import torch

        return Path(torch.hub.get_dir()) / "checkpoints" / Path(self._document["url"]).name

    def _checkpoint(self) -> dict[str, Any]:
        import torch

        path = self._file()
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                torch.hub.download_url_to_file(
                    self._document["url"], str(path), hash_prefix=path.stem.rsplit("-", 1)[-1], progress=False
                )
            except OSError as problem:
                raise SourceError(
                    f"The weights of {self.name} are not on this machine and cannot be fetched "
                    f"({type(problem).__name__}). Put the file {path.name} into {path.parent}, or run once "
                    "with a network."
                ) from None
        state = torch.load(path, map_location="cpu", weights_only=True)
        return {name: tensor.numpy() for name, tensor in state.items()}

    def image_preparation(self) -> ImagePreparation:
        given = self._document["input"]
        return ImagePreparation(
            height=given["crop"],
            width=given["crop"],
            resize=given["resize"],
            interpolation=given["interpolation"],
            crop_mode="center",
            mean=tuple(given["mean"]),
            std=tuple(given["std"]),
        )

    def own_labels(self) -> tuple[str, ...]:
        return tuple(self._document["labels"])

    def card(self) -> SourceCard:
        size = weights.find(self._folder).stat().st_size if self._folder else 0
        return SourceCard(
            licence="BSD-3-Clause (code); weights: see their page",
            trained_on="ImageNet-1k",
            size=size,
            place=str(self._folder or self._document["url"]),
        )

    def artefact(self, labels: Sequence[str], outputs: int) -> Artefact:
        document = {**self._document, "num_classes": outputs, "labels": list(labels)}
        bare = ", aux_logits=False, init_weights=False" if self._architecture in INCEPTIONS else ""
        return Artefact(
            {DOCUMENT: document},
            (),
            f"m = torchvision.models.{self._architecture}(num_classes={outputs}{bare}); "
            "m.load_state_dict(safetensors.torch.load_file('{folder}/model.safetensors'))",
        )
