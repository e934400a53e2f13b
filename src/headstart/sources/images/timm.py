"""Sources of timm: a folder with config.json and model.safetensors, or a name on the hub."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from headstart.core import files, fingerprints, worker
from headstart.core.errors import SourceError
from headstart.data.modalities.image import ImagePreparation
from headstart.sources import weights
from headstart.sources.contract import Artefact, Source
from headstart.sources.description import SourceCard
from headstart.sources.images.source import ImageSource

if TYPE_CHECKING:
    import torch

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def open_timm(name: str) -> Source:
    """`timm/NAME`: the hub's repository timm/NAME."""
    from headstart.sources.hub import folder_of, here, in_models

    folder = in_models(name) or here(f"timm/{name}", f"timm/{name}")
    if folder is None:
        require_known(name)
        folder = folder_of(f"timm/{name}", f"timm/{name}")
    return TimmSource(folder, f"timm/{name}")


def require_known(name: str) -> None:
    """Refuses a name that timm does not have before a hub is asked for it.

    Raises:
        SourceError: timm has no such model; the nearest names are offered.
    """
    import timm

    from headstart.core.registry import suggest

    if not timm.is_model(name.split(".")[0]):
        raise SourceError(
            f"There is no source timm/{name}: timm {timm.__version__} has no such model. "
            f"{suggest(name, timm.list_pretrained())} `headstart sources --search WORD` lists more."
        )


class TimmSource(ImageSource):
    """A folder in timm's own format. `layout.json` instead of `config.json` marks an architecture that timm can
    build but has no public name for (another width of a known one)."""

    family = "timm"

    def __init__(self, folder: Path, name: str) -> None:
        super().__init__(name)
        self.folder = folder
        self.path = weights.find(folder)
        self.document = "config.json" if (folder / "config.json").is_file() else "layout.json"

    @cached_property
    def _config(self) -> dict[str, Any]:
        config = files.read_json(self.folder / self.document)
        if not isinstance(config.get("architecture"), str):
            raise SourceError(f"{self.folder / self.document} names no 'architecture', so timm cannot build it.")
        return dict(config)

    @property
    def architecture(self) -> str:
        return str(self._config["architecture"])

    def identity(self) -> dict[str, Any]:
        return {"configuration": self._config, "weights": fingerprints.of_file(self.path)}

    def configuration(self) -> dict[str, Any]:
        return self._config

    def build(self, pretrained: bool) -> torch.nn.Module:
        network = create(
            self.architecture, dict(self._config.get("model_args", {})), int(self._config.get("num_classes", 1000)) or 1
        )
        if pretrained:
            weights.into(network, self.weights(), self.path)
        return network

    def weights(self) -> dict[str, NDArray[Any]]:
        if self.seed is not None:
            return super().weights()
        arrays = weights.load(self.path)
        if not int(self._config.get("num_classes", 1000)):  # published without a classifier: ours answers nothing
            classifier, width = self.description.classifier, self.stages[-1].width
            arrays[f"{classifier}.weight"] = np.zeros((1, width), np.float32)
            arrays[f"{classifier}.bias"] = np.zeros(1, np.float32)
        return arrays

    def begin(self) -> None:
        worker.begin(load_without_compiler)
        super().begin()

    def image_preparation(self) -> ImagePreparation:
        known = self._config.get("pretrained_cfg", {})
        _, height, width = known.get("input_size", (3, 224, 224))
        mode = known.get("crop_mode", "center")
        return ImagePreparation(
            height=height,
            width=width,
            resize=None if mode == "squash" else int(height / known.get("crop_pct", 0.875)),
            interpolation=known.get("interpolation", "bicubic"),
            crop_mode=mode,
            mean=tuple(known.get("mean", IMAGENET_MEAN)),
            std=tuple(known.get("std", IMAGENET_STD)),
        )

    def own_labels(self) -> tuple[str, ...]:
        known = self._config.get("label_names") or self._config.get("pretrained_cfg", {}).get("label_names")
        if known:
            return tuple(map(str, known))
        if self._config.get("num_classes", 1000) == 1000:
            from timm.data import ImageNetInfo

            return tuple(ImageNetInfo().label_descriptions())
        return ()

    def card(self) -> SourceCard:
        known = self._config.get("pretrained_cfg", {})
        trained_on = self._config.get("trained_on") or (
            "ImageNet-1k" if known.get("num_classes", 1000) == 1000 else f"{known.get('num_classes')} classes"
        )
        return SourceCard(
            licence=known.get("license") or "not stated",
            trained_on=str(trained_on),
            size=self.path.stat().st_size,
            place=str(self.folder),
        )

    def artefact(self, labels: Sequence[str], outputs: int) -> Artefact:
        known = {**self._config.get("pretrained_cfg", {}), "num_classes": outputs}
        document = {**self._config, "num_classes": outputs, "label_names": list(labels), "pretrained_cfg": known}
        public = self.document == "config.json"
        return Artefact(
            {self.document: document}, (), "timm.create_model('local-dir:{folder}', pretrained=True)" if public else ""
        )


class UntrainedTimm(TimmSource):
    """An architecture of timm at its random start: what `pretrain` teaches.

    Args:
        arguments: of the architecture, such as {"channels": [48, 96, 192, 384]}.
        size: side of the input, in pixels.
    """

    def __init__(self, architecture: str, arguments: dict[str, Any], size: int, seed: int) -> None:
        ImageSource.__init__(self, f"timm/{architecture} untrained")
        self.seed = seed
        self.document = "config.json"
        self.folder = Path()
        known = {
            "input_size": [3, size, size],
            "interpolation": "bilinear",
            "crop_pct": 1.0,
            "crop_mode": "squash",
            "mean": list(IMAGENET_MEAN),
            "std": list(IMAGENET_STD),
            "num_classes": 1000,
            "license": "apache-2.0",
        }
        self._config = {
            "architecture": architecture,
            "num_classes": 1000,
            "model_args": arguments,
            "pretrained_cfg": known,
        }

    def identity(self) -> dict[str, Any]:
        return {"configuration": self._config, "weights": None}

    def own_labels(self) -> tuple[str, ...]:
        return ()

    def card(self) -> SourceCard:
        return SourceCard(trained_on="nothing yet")


def load_without_compiler() -> None:
    """Imports timm, in a process that compiles nothing, without PyTorch's compiler: that takes as long to load as
    PyTorch itself, and at import timm and torchvision only mark functions for it."""
    if "torch._dynamo" in sys.modules:
        return
    compiler, utilities = ModuleType("torch._dynamo"), ModuleType("torch._dynamo.utils")
    vars(compiler).update(utils=utilities, disable=lambda marked=None, *_, **__: marked or (lambda function: function))
    vars(utilities).update(is_compile_supported=lambda _device: False)
    stand_ins = {module.__name__: module for module in (compiler, utilities)}
    sys.modules.update(stand_ins)
    try:
        import timm  # noqa: F401
    except (ImportError, AttributeError):  # of a version that uses more of it: loaded whole when it is needed
        pass
    finally:
        for name in stand_ins:
            del sys.modules[name]


def create(architecture: str, arguments: dict[str, Any], outputs: int) -> torch.nn.Module:
    """A timm network with random weights.

    Raises:
        SourceError: timm has no such architecture; the nearest names are offered.
    """
    import timm

    from headstart.core.registry import suggest

    name = architecture.split(".")[0]
    if not timm.is_model(name):
        raise SourceError(f"timm {timm.__version__} has no architecture '{name}'. {suggest(name, timm.list_models())}")
    width = arguments.pop("channel_multiplier", None)
    try:
        if width is not None:
            return _other_width(name, width, arguments, outputs)
        return timm.create_model(name, pretrained=False, num_classes=outputs, **arguments)  # type: ignore[no-any-return]
    except TypeError as problem:
        raise SourceError(f"timm cannot build '{name}' with {arguments}: {problem}.") from None


def _other_width(name: str, width: float, arguments: dict[str, Any], outputs: int) -> torch.nn.Module:
    from timm.models import efficientnet

    generators = {"mobilenetv1": "_gen_mobilenet_v1", "mobilenetv2": "_gen_mobilenet_v2"}
    family = name.split("_")[0]
    if family not in generators:
        raise SourceError(
            f"'{name}' cannot be built with another width; channel_multiplier is known for {', '.join(generators)}."
        )
    build = getattr(efficientnet, generators[family])
    return build(name, width, pretrained=False, num_classes=outputs, **arguments)  # type: ignore[no-any-return]
