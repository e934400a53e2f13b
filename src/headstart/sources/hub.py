"""Folders of a hub, through its own client: what is on this machine first, the network only when it is not."""

from __future__ import annotations

import os
from pathlib import Path

from headstart.core.errors import SourceError

PATTERNS = ("*.json", "*.safetensors", "*.txt", "*.model", "README.md")


def in_models(name: str) -> Path | None:
    """The folder of that name under HEADSTART_MODELS, where a team keeps models it copied by hand."""
    models = os.environ.get("HEADSTART_MODELS")
    if models and (Path(models).expanduser() / name).is_dir():
        return Path(models).expanduser() / name
    return None


def here(repository: str, name: str) -> Path | None:
    """The snapshot of `repository` that the hub's client fetched before, if it did; no call is made."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(repository, local_files_only=True))
    except LocalEntryNotFoundError:
        return None
    except HFValidationError as problem:
        raise SourceError(f"'{name}' is not a name the hub can have ({problem}).") from None
    return folder if any(folder.glob("*.safetensors")) else None


def folder_of(repository: str, name: str) -> Path:
    """The local snapshot of `repository`, fetched when it is not here yet.

    Args:
        repository: owner/name on the hub.
        name: what the user wrote, for messages.

    Raises:
        SourceError: not here and not reachable, or no such repository.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
    )

    found = here(repository, name)
    if found is not None:
        return found
    try:
        return Path(snapshot_download(repository, allow_patterns=list(PATTERNS)))
    except GatedRepoError:
        raise SourceError(f"{name} is gated: accept its terms on the hub and log in with `hf auth login`.") from None
    except RepositoryNotFoundError:
        raise SourceError(
            f"The hub has no model '{repository}'. `headstart sources --search WORD` finds names."
        ) from None
    except (HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled, OSError) as problem:
        raise SourceError(
            f"{name} is not on this machine and the hub cannot be reached ({type(problem).__name__}). Run once with a "
            f"network, or copy the model's folder here and give its path as the source; "
            f"`headstart sources` lists what is here already."
        ) from None
