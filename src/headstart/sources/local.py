"""Sources that are folders: timm's format, transformers' format, or an earlier run."""

from __future__ import annotations

import os
from pathlib import Path

from headstart.core import files
from headstart.core.errors import SourceError
from headstart.sources.contract import Source
from headstart.sources.library import LibrarySource

RUN_MARK = "headstart.json"
"""Every run folder has this document; it names the source's family and the heads."""


def in_models(name: str) -> Path | None:
    """The folder of that name under HEADSTART_MODELS, where a team keeps models it copied by hand."""
    models = os.environ.get("HEADSTART_MODELS")
    if models and (Path(models).expanduser() / name).is_dir():
        return Path(models).expanduser() / name
    return None


def open_folder(folder: Path) -> Source:
    """The source in `folder`, by the documents that lie in it.

    Raises:
        SourceError: none of the known formats.
    """
    if (folder / RUN_MARK).is_file():
        return _open_run(folder)
    if (folder / "layout.json").is_file():
        return _timm(folder)
    if (folder / "config.json").is_file():
        config = files.read_json(folder / "config.json")
        if "architecture" in config:
            return _timm(folder)
        if "model_type" in config or "architectures" in config:
            from headstart.sources.transformers import transformers_source

            return transformers_source(folder, str(folder))
    raise SourceError(
        f"{folder} is not a model folder: it has no config.json of timm or transformers, no layout.json, "
        f"and is not a run. Its files: {', '.join(sorted(p.name for p in folder.iterdir())[:8]) or 'none'}."
    )


def _timm(folder: Path) -> LibrarySource:
    from headstart.sources.timm import TimmSource

    return TimmSource(folder, str(folder))


def _open_run(folder: Path) -> Source:
    """An earlier run is a folder in its source's own format; only torchvision has none of its own."""
    mark = files.read_json(folder / RUN_MARK)
    source: LibrarySource
    if mark["family"] == "torchvision":
        from headstart.sources.torchvision import TorchvisionSource

        source = TorchvisionSource(mark["architecture"], folder=folder, name=str(folder))
    elif mark["family"] == "hf":
        from headstart.sources.transformers import transformers_source

        source = transformers_source(folder, str(folder))
    else:
        source = _timm(folder)
    if mark.get("own"):  # what the run was opened with has a head of its own; as a source it is cut into stages anew
        return source
    source.known = {**mark["description"], "name": str(folder)}
    return source
