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


def usual(modality: str) -> str:
    """The name of the source to start from where nobody says which.

    Raises:
        SourceError: none that comes with this package takes the modality.
    """
    if f"{modality}-tiny" not in names():
        raise SourceError(
            f"No source that comes with this package starts from {modality}. Name one with --source; "
            "`headstart pretrain` makes one."
        )
    return f"builtin/{modality}-tiny"


def open_builtin(name: str) -> Source:
    if name not in names():
        raise SourceError(f"There is no builtin source '{name}'. {suggest(name, names())}")
    return open_folder(FOLDER / name, f"builtin/{name}")
