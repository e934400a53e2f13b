"""What can be started from: what comes with the package, what is on this machine, what the libraries know by name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from headstart.core.errors import HeadstartError
from headstart.sources import builtin

WELL_KNOWN = {
    "timm/resnet18.a1_in1k": (11.7, "224 px", "ImageNet"),
    "timm/resnet50.a1_in1k": (25.6, "224 px", "ImageNet"),
    "timm/mobilenetv3_small_100.lamb_in1k": (2.5, "224 px", "ImageNet"),
    "timm/mobilenetv3_large_100.ra_in1k": (5.5, "224 px", "ImageNet"),
    "timm/efficientnet_b0.ra_in1k": (5.3, "224 px", "ImageNet"),
    "timm/convnext_tiny.fb_in22k": (28.6, "224 px", "ImageNet"),
    "timm/vit_tiny_patch16_224.augreg_in21k": (5.7, "224 px", "ImageNet"),
    "timm/vit_small_patch14_dinov2.lvd142m": (22.1, "518 px", "ImageNet"),
    "timm/swin_tiny_patch4_window7_224.ms_in1k": (28.3, "224 px", "ImageNet"),
    "hf/google/vit-base-patch16-224": (86.6, "224 px", "ImageNet"),
    "hf/microsoft/resnet-50": (25.6, "224 px", "ImageNet"),
    "hf/facebook/convnext-tiny-224": (28.6, "224 px", "ImageNet"),
    "hf/microsoft/swin-tiny-patch4-window7-224": (28.3, "224 px", "ImageNet"),
    "hf/google/mobilenet_v2_1.0_224": (3.5, "224 px", "ImageNet"),
    "hf/sentence-transformers/all-MiniLM-L6-v2": (22.7, "256 pieces", "web text"),
    "hf/distilbert/distilbert-base-uncased": (66.4, "512 pieces", "web text"),
    "hf/google-bert/bert-base-uncased": (109.5, "512 pieces", "web text"),
    "hf/FacebookAI/roberta-base": (124.6, "512 pieces", "web text"),
    "hf/answerdotai/ModernBERT-base": (149.0, "8192 pieces", "web text"),
    "hf/microsoft/deberta-v3-small": (141.3, "512 pieces", "web text"),
    "hf/MIT/ast-finetuned-audioset-10-10-0.4593": (86.6, "16 kHz", "AudioSet"),
    "hf/facebook/wav2vec2-base-960h": (94.4, "16 kHz", "read English"),
    "hf/openai/whisper-tiny": (37.8, "16 kHz", "speech of the web"),
    "torchvision/resnet50": (25.6, "224 px", "ImageNet"),
    "torchvision/vgg16": (138.4, "224 px", "ImageNet"),
    "torchvision/inception_v3": (27.2, "299 px", "ImageNet"),
    "torchvision/mobilenet_v3_small": (2.5, "224 px", "ImageNet"),
}
"""Good first choices: millions of parameters, what they take, what they saw; from their own pages."""


@dataclass(frozen=True)
class Entry:
    """One line of `headstart sources`."""

    name: str
    parameters: float | None
    """Millions."""
    size: int
    """Bytes on this machine; 0 when it has to be fetched."""
    input: str
    licence: str
    trained_on: str
    here: bool


def quick_names() -> list[str]:
    """Names that cost nothing to list, for suggestions."""
    return [f"builtin/{name}" for name in builtin.names()] + list(WELL_KNOWN)


def catalogue(search: str = "") -> list[Entry]:
    """Sources whose name holds `search`: those here first. With a search, every name that timm and torchvision know."""
    found = {entry.name: entry for entry in (*_here(), *_well_known())}
    if search:
        for name in _all_names():
            found.setdefault(name, Entry(name, None, 0, "", "see its page", "see its page", here=False))
    chosen = [entry for entry in found.values() if search.lower() in entry.name.lower()]
    return sorted(chosen, key=lambda entry: (not entry.here, entry.parameters is None, entry.name))


def _here() -> Iterator[Entry]:
    from headstart.sources.local import open_folder

    folders = [(f"builtin/{name}", builtin.FOLDER / name) for name in builtin.names()]
    models = os.environ.get("HEADSTART_MODELS")
    if models and Path(models).expanduser().is_dir():
        folders += [
            (str(folder), folder)
            for folder in sorted(Path(models).expanduser().iterdir())
            if (folder / "model.safetensors").is_file()
        ]
    folders += list(_hub_cache())
    for name, folder in folders:
        if not any((folder / document).is_file() for document in ("config.json", "layout.json")):
            continue
        try:
            description = open_folder(folder).description
        except HeadstartError:  # a model of another kind: not something to start from here
            continue
        card = description.card
        yield Entry(
            name, card.parameters / 1e6, card.size, description.accepts, card.licence, card.trained_on, here=True
        )


def _hub_cache() -> Iterator[tuple[str, Path]]:
    """Models that the hub's client has fetched before."""
    from huggingface_hub.constants import HF_HUB_CACHE

    for snapshots in sorted(Path(HF_HUB_CACHE).glob("models--*/snapshots")):
        repository = snapshots.parent.name.removeprefix("models--").replace("--", "/")
        for folder in snapshots.iterdir():
            if (folder / "model.safetensors").exists():
                yield (repository if repository.startswith("timm/") else f"hf/{repository}"), folder


def _well_known() -> Iterator[Entry]:
    for name, (parameters, takes, trained_on) in WELL_KNOWN.items():
        yield Entry(name, parameters, 0, takes, "see its page", trained_on, here=False)


def _all_names() -> Iterator[str]:
    import timm
    from torchvision import models

    yield from (f"timm/{name}" for name in timm.list_pretrained())
    yield from (f"torchvision/{name}" for name in models.list_models(module=models))
