"""Sources that are folders: in the format of timm, transformers, model2vec or YAMNet, or an earlier run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from headstart.core import files
from headstart.core.errors import SourceError
from headstart.sources import hub
from headstart.sources.contract import Source
from headstart.sources.formats import (
    CHRONOS_BOLT,
    IMAGES,
    MODALITY,
    RUN_MARK,
    SOUNDS,
    TEXTS,
    TIMM,
    TOKENIZER_FILES,
    formats,
    preprocessor_of,
)
from headstart.sources.library import LibrarySource


def open_repository(name: str) -> Source:
    """`hf/OWNER/NAME` (or `hf/NAME`): a repository of the hub, in any of the formats."""
    return open_folder(hub.in_models(name) or hub.folder_of(name, f"hf/{name}"), f"hf/{name}")


def open_folder(folder: Path, name: str = "") -> Source:
    """The source in `folder`, by the documents that lie in it; called `name`, or as the folder is.

    Raises:
        SourceError: none of the known formats.
    """
    name = name or str(folder)
    if (folder / RUN_MARK).is_file():
        return _open_run(folder, name)
    source = _in_library_format(folder, name)
    if source is None:
        raise SourceError(
            f"{folder} is not a model folder: it has no config.json of timm, transformers, model2vec or YAMNet, no "
            f"layout.json, and is not a run. "
            f"Its files: {', '.join(sorted(p.name for p in folder.iterdir())[:8]) or 'none'}."
        )
    return source


def _in_library_format(folder: Path, name: str) -> LibrarySource | None:
    documents = [folder / name for name in ("config.json", "layout.json") if (folder / name).is_file()]
    config = files.read_json(documents[0]) if documents else {}
    kind = _format_of(folder, config)
    if kind is None:
        return None
    source = formats.get(kind)(folder, name)
    return source if MODALITY not in config else source.for_modality(config[MODALITY])


def _format_of(folder: Path, config: dict[str, Any]) -> str | None:
    if (folder / "layout.json").is_file() or "architecture" in config:
        return TIMM
    if CHRONOS_BOLT in config:
        return CHRONOS_BOLT
    if config.get("model_type") in formats.names():
        return str(config["model_type"])
    if "model_type" not in config and "architectures" not in config:
        return None
    if "feature_extractor_type" in preprocessor_of(folder):
        return SOUNDS
    if any((folder / file).is_file() for file in TOKENIZER_FILES):
        return TEXTS
    return TEXTS if "vocab_size" in config and not preprocessor_of(folder) else IMAGES


def _open_run(folder: Path, name: str) -> Source:
    """An earlier run is a folder in its source's own format; only torchvision has none of its own."""
    mark = files.read_json(folder / RUN_MARK)
    source: LibrarySource | None
    if mark["family"] == "torchvision":
        from headstart.sources.images.torchvision import TorchvisionSource

        source = TorchvisionSource(mark["architecture"], folder=folder, name=name)
    else:
        source = _in_library_format(folder, name)
    if source is None:
        raise SourceError(f"The run {folder} lacks its config.json. Copy the whole folder again.")
    source = source.for_modality(mark["description"]["modality"])
    if mark.get("own"):  # what the run was opened with has a head of its own; as a source it is cut into stages anew
        return source
    return source.opened({**mark["description"], "name": name})
