"""Kinds of content: how each is decoded, prepared and examined. One file a modality, one line here."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from headstart.core.registry import Registry
from headstart.data.facts import Modality

modalities: Registry[type[Modality]] = Registry(
    "modality",
    {
        "image": "headstart.data.modalities.image:Image",
        "text": "headstart.data.modalities.text:Text",
        "audio": "headstart.data.modalities.audio:Audio",
        "series": "headstart.data.modalities.series:Series",
        "interactions": "headstart.data.modalities.interactions:Interactions",
    },
)
DEFAULT = "image"
"""What contents are taken for that have no file name to tell."""


def open_modality(name: str) -> Modality:
    """The modality called `name`.

    Raises:
        HeadstartError: there is none; the message offers the nearest.
    """
    return modalities.get(name)()


def modality_of(file: str) -> str | None:
    """The modality whose file endings include that of `file`; None where no modality knows it."""
    suffix = PurePosixPath(file).suffix.lower()
    return next((name for name in modalities.names() if suffix in modalities.get(name).suffixes), None)


def modality_in_memory(content: Any) -> str | None:
    """The modality that an object handed over in memory tells by itself, such as samples with their rate."""
    return next((name for name in modalities.names() if open_modality(name).recognises(content)), None)
