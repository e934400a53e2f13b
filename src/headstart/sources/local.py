"""Sources that are folders: in the format of timm, transformers, model2vec or YAMNet, or an earlier run."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from headstart.core import files
from headstart.core.errors import SourceError
from headstart.core.registry import Registry
from headstart.sources.contract import Source
from headstart.sources.library import LibrarySource

BEHAVIOUR, PATCHES, RECOGNISER = "behaviour", "series-patches", "recogniser"
STATIC, TINY_TIME_MIXER, YAMNET = "model2vec", "tinytimemixer", "yamnet"
SPEECH_EMBEDDING, LISTED = "speech_embedding", "onnx_graph_listing"
"""What config.json of a model calls itself, where it is of no library that is installed."""
CHRONOS_BOLT = "chronos_config"
"""In config.json of a model of chronos-forecasting, which calls itself a T5."""
formats: Registry[Callable[[Path, str], LibrarySource]] = Registry(
    "format",
    {
        BEHAVIOUR: "headstart.sources.behaviour:open_behaviour",
        CHRONOS_BOLT: "headstart.sources.chronos_bolt:ChronosBoltSource",
        PATCHES: "headstart.sources.patches:PatchesSource",
        RECOGNISER: "headstart.sources.recogniser:RecogniserSource",
        SPEECH_EMBEDDING: "headstart.sources.speech_embedding:SpeechEmbeddingSource",
        LISTED: "headstart.sources.speech_embedding:SpeechEmbeddingSource",
        STATIC: "headstart.sources.static:StaticSource",
        TINY_TIME_MIXER: "headstart.sources.tiny_time_mixer:TinyTimeMixerSource",
        YAMNET: "headstart.sources.yamnet:YamnetSource",
    },
)
MODALITY = "modality"
"""In the configuration of a network that is used for contents of another kind than its library's."""
RUN_MARK = "headstart.json"
"""Every run folder has this document; it names the source's family and the heads."""


def in_models(name: str) -> Path | None:
    """The folder of that name under HEADSTART_MODELS, where a team keeps models it copied by hand."""
    models = os.environ.get("HEADSTART_MODELS")
    if models and (Path(models).expanduser() / name).is_dir():
        return Path(models).expanduser() / name
    return None


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
    source = _by_configuration(config, folder, name)
    return source if source is None or MODALITY not in config else source.for_modality(config[MODALITY])


def _by_configuration(config: dict[str, Any], folder: Path, name: str) -> LibrarySource | None:
    if (folder / "layout.json").is_file() or "architecture" in config:
        from headstart.sources.timm import TimmSource

        return TimmSource(folder, name)
    if CHRONOS_BOLT in config:
        return formats.get(CHRONOS_BOLT)(folder, name)
    if config.get("model_type") in formats.names():
        return formats.get(config["model_type"])(folder, name)
    if "model_type" in config or "architectures" in config:
        from headstart.sources.transformers import transformers_source

        return transformers_source(folder, name)
    return None


def _open_run(folder: Path, name: str) -> Source:
    """An earlier run is a folder in its source's own format; only torchvision has none of its own."""
    mark = files.read_json(folder / RUN_MARK)
    source: LibrarySource | None
    if mark["family"] == "torchvision":
        from headstart.sources.torchvision import TorchvisionSource

        source = TorchvisionSource(mark["architecture"], folder=folder, name=name)
    else:
        source = _in_library_format(folder, name)
    if source is None:
        raise SourceError(f"The run {folder} lacks its config.json. Copy the whole folder again.")
    source = source.for_modality(mark["description"]["modality"])
    if mark.get("own"):  # what the run was opened with has a head of its own; as a source it is cut into stages anew
        return source
    return source.opened({**mark["description"], "name": name})
