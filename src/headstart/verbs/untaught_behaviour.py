"""A model of behaviour from nothing but users and what they met: random weights over the features of a text source."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pydantic

from headstart.core import files
from headstart.core.errors import RecipeError
from headstart.sources import open_source
from headstart.sources.formats import BEHAVIOUR
from headstart.verbs.adapt import adapt
from headstart.verbs.untaught import chosen, start_beside

if TYPE_CHECKING:
    from rich.console import Console

    from headstart.verbs.model import Model

TASK = "recommendation"


class Architecture(pydantic.BaseModel):
    """Of the new network, and what it knows items by."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    text: str = pydantic.Field("builtin/text-tiny", description="The source of the items' features.")
    width: int = pydantic.Field(64, ge=8, le=4096, description="Numbers by which a user is described.")
    layers: int = pydantic.Field(2, ge=1, le=48, description="Of attention to what came before.")
    heads: int = pydantic.Field(2, ge=1, le=64, description="Of attention; they divide the width.")
    length: int = pydantic.Field(50, ge=2, le=4096, description="Most items of a history that are read.")
    dropout: float = pydantic.Field(0.2, ge=0, lt=1, description="Share of activations dropped in training.")


def from_nothing(
    target: str | Path,
    *,
    out: str | Path,
    items: str | Path | None = None,
    user: str | None = None,
    arch: str = BEHAVIOUR,
    epochs: float = 20,
    learning_rate: float = 1e-3,
    batch: int = 64,
    content: str | None = None,
    seed: int = 0,
    console: Console | None = None,
) -> Model:
    """Teaches a new model of behaviour on `target`; the folder `out` is a run, and a source for other catalogues.

    Args:
        items: table of the items, which says what each is: by that it is known elsewhere.
        arch: "behaviour", or "behaviour:key=value,…" with fields of `Architecture`.

    Raises:
        HeadstartError: something cannot be used; the message says what to do.
    """
    if items is None:
        raise RecipeError(
            "What is learned here is of use elsewhere through what items are, and no table says it. "
            "Give one with --items."
        )
    architecture = chosen(Architecture, BEHAVIOUR, arch, TASK)
    start = start_beside(out)
    write(start, architecture, Path(target).name)
    return adapt(
        target,
        source=start,
        task=TASK,
        strategy="scratch",
        options={"epochs": epochs, "learning_rate": learning_rate, "batch": batch},
        items=items,
        user=user,
        content=content,
        baselines=False,
        seed=seed,
        out=out,
        console=console,
    )


def write(folder: Path, architecture: Architecture, trained_on: str) -> None:
    """Writes the configuration of an untrained model, in a folder that is a source."""
    from safetensors.numpy import save_file

    texts = open_source(architecture.text)
    known = architecture.model_dump()
    document = {
        "model_type": BEHAVIOUR,
        **known,
        "features": texts.stages[-1].width,
        "license": texts.description.card.licence,
        "trained_on": trained_on,
    }
    with files.atomic(folder) as temporary:
        temporary.mkdir(exist_ok=True)
        files.write_json(temporary / "config.json", document)
        save_file({"warmth": np.array([np.log(0.1)], np.float32)}, temporary / "model.safetensors")
