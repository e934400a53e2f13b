"""Sources that come with this package: small, trained by its own `pretrain` with the recipe beside the weights."""

from __future__ import annotations

from pathlib import Path

from headstart.core.errors import SourceError
from headstart.core.registry import suggest
from headstart.sources.contract import Source
from headstart.sources.local import open_folder

FOLDER = Path(__file__).parent / "builtin_models"


def names() -> list[str]:
    return (
        sorted(folder.name for folder in FOLDER.iterdir() if (folder / "model.safetensors").is_file())
        if FOLDER.is_dir()
        else []
    )


def open_builtin(name: str) -> Source:
    if name not in names():
        raise SourceError(f"There is no builtin source '{name}'. {suggest(name, names())}")
    return open_folder(FOLDER / name, f"builtin/{name}")
