"""A new source for series, taught to tell what comes next in many of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pydantic

from headstart.bank import Bank
from headstart.core import files, settings
from headstart.core.errors import RecipeError, RunError
from headstart.data import checks, splits
from headstart.data.read import read
from headstart.data.windows import Windows
from headstart.engine.run import run
from headstart.engine.trained import Trained, Workplace
from headstart.sources import Source, open_source
from headstart.sources.formats import PATCHES
from headstart.tasks.forecasting import Forecasting
from headstart.verbs import artefact
from headstart.verbs.pretrain import Pretraining, build_plan, parts_of, publish
from headstart.verbs.recipe import checked

if TYPE_CHECKING:
    from rich.console import Console

NAME = "patches"
SHARE = 0.1
"""Of each series, at its end, to choose by; and as much again to say how good it became."""


class Architecture(pydantic.BaseModel):
    """Of the new network."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    context: int = pydantic.Field(512, ge=16, le=16_384, description="Values of the past that it looks at.")
    horizon: int = pydantic.Field(96, ge=1, le=2_000, description="Steps that it tells.")
    patch: int = pydantic.Field(16, ge=1, le=1_024, description="Values that are read together; they divide the past.")
    width: int = pydantic.Field(128, ge=8, le=2_048, description="Numbers by which a patch is described.")
    layers: int = pydantic.Field(4, ge=1, le=48, description="Mixers, one after another.")
    small: int = pydantic.Field(16, ge=1, le=256, description="Numbers of each patch that a head reads.")
    dropout: float = pydantic.Field(0.1, ge=0, lt=1, description="Share of activations dropped in training.")
    classical: bool = pydantic.Field(
        True, description="Whether it is told what classical methods say, and departs from that."
    )


def pretrain_series(
    target: Any,
    *,
    out: str | Path,
    arch: str = NAME,
    epochs: float = 5,
    learning_rate: float = 1e-3,
    batch: int = 128,
    windows: int = 100_000,
    time: str | None = None,
    series: str | None = None,
    value: str | None = None,
    trained_on: str = "",
    seed: int = 0,
    console: Console | None = None,
) -> Source:
    """Teaches a new network on the series of `target`, a table file or a folder of such, and writes it to `out`.

    Args:
        arch: "patches", or "patches:key=value,…" with fields of `Architecture`.
        windows: examples to learn from, evenly spread over the series.

    Raises:
        HeadstartError: something cannot be used; the message says what to do.
    """
    architecture = _architecture(arch)
    folder = Path(out).resolve()
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not (folder / artefact.STATE).is_dir())):
        raise RunError(f"{folder} exists already. Choose another name with --out.")
    files.require_writable(folder)
    cut = Windows(
        architecture.horizon,
        architecture.context,
        series,
        value,
        season=1,
        test=SHARE,
        validation=SHARE,
        most=windows,
        seasons_apart=architecture.classical,
    )
    table = read(target, time=time, reader=Forecasting.reader, windows=cut)
    bank = Bank(settings.current().bank)
    usable = checks.check(table, bank.facts(table.modality))
    parts = splits.split(usable, seed=seed)
    begun = folder / artefact.STATE / "start"
    _write_start(begun, architecture, trained_on or Path(str(target)).name, seed)
    source = open_source(begun).reading(Forecasting.reads)
    task = Forecasting.from_labels("label", parts.train.take(np.arange(1)).labels())
    recipe = Pretraining(
        arch=arch, epochs=epochs, learning_rate=learning_rate, batch=batch, views=2, trained_on=trained_on, seed=seed
    )
    given = {"train": parts.train, "validation": parts.validation, "fit": parts.part("fit")}
    plan = build_plan(recipe, source, task, None)
    if console is not None:
        from headstart.receipt.terminal import trainable_table

        trainable_table(plan, source, console)
    trained = run(plan, source, given, Workplace(bank, folder / artefact.STATE))
    _write(folder, trained, recipe, str(target), len(parts.train))
    if console is not None:
        best = max((moment.value for moment in trained.history if moment.value is not None), default=0.0)
        console.print(
            f"{folder}: {trained.cost.seconds:.0f} s, {len(parts.train):,} windows; skill against the last value "
            f"again, on what came later in the same series, {best:.3f}. Adapt it with: "
            f"headstart adapt TARGET --source {folder}"
        )
    return open_source(folder)


def _architecture(arch: str) -> Architecture:
    name, arguments = parts_of(arch)
    if name != NAME:
        raise RecipeError(f"There is no architecture '{name}' for series. Say {NAME}, or {NAME}:width=64,layers=2.")
    found: Architecture = checked(Architecture, arguments, f"architecture {NAME}")
    if found.context % found.patch:
        raise RecipeError(f"Patches of {found.patch} values do not divide a past of {found.context}.")
    return found


def _write_start(folder: Path, architecture: Architecture, trained_on: str, seed: int) -> None:
    """A folder with random weights."""
    import torch

    from headstart.sources.series.patches import network_of

    sizes = architecture.model_dump(exclude={"classical"})
    guided = {"guided": architecture.horizon} if architecture.classical else {}
    config = {"model_type": PATCHES, **sizes, **guided, "license": "apache-2.0", "trained_on": trained_on}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = network_of(config, True)
    folder.mkdir(parents=True, exist_ok=True)
    files.write_json(folder / "config.json", config)
    artefact.save_arrays(folder / "model.safetensors", {n: t.numpy() for n, t in network.state_dict().items()})


def _write(folder: Path, trained: Trained, recipe: Pretraining, target: str, windows: int) -> None:
    document = trained.source.artefact((), trained.task.outputs).documents["config.json"]
    told = recipe.model_dump(include={"arch", "epochs", "learning_rate", "batch", "weight_decay", "trained_on", "seed"})
    made = {"target": Path(target).name, "objective": "forecasting", **told, "windows": windows}
    publish(folder, trained, document, made)
