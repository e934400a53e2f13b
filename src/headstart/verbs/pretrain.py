"""Teach a new source on a larger task, with or without a teacher, to be adapted to smaller tasks afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pydantic

from headstart import tasks
from headstart.bank import Bank, features_of
from headstart.core import files, hardware, settings
from headstart.core.errors import RecipeError, RunError
from headstart.data import checks, splits
from headstart.data.read import read
from headstart.data.table import Examples
from headstart.engine.plan import Head, Length, Objective, Plan, Schedule, Stop, Stream, Train
from headstart.engine.run import run
from headstart.engine.trained import Trained, Workplace
from headstart.sources import Source, open_source
from headstart.sources.images.timm import UntrainedTimm
from headstart.sources.points import Point
from headstart.strategies.probe import HEAD
from headstart.tasks import Task
from headstart.tasks.imitation import Imitation
from headstart.verbs import artefact
from headstart.verbs.recipe import RECIPE

if TYPE_CHECKING:
    from rich.console import Console

TEACHER = "teacher"


class Pretraining(pydantic.BaseModel):
    """How a new source is taught."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    arch: str = pydantic.Field(
        "resnet10t",
        description="timm's name, or name:key=value,… for its arguments; static:width=N for vectors of word pieces; "
        "shortened:layers=N for the teacher's own first layers.",
    )
    size: int = pydantic.Field(64, ge=16, le=1024, description="Side of the input, in pixels.")
    epochs: float = pydantic.Field(30, gt=0, description="Times through the examples.")
    learning_rate: float = pydantic.Field(2e-3, gt=0, le=1, description="For AdamW.")
    batch: int = pydantic.Field(64, ge=2, description="Examples a step.")
    views: int = pydantic.Field(4, ge=1, le=64, description="Augmented views of each example that take turns.")
    teacher_weight: float = pydantic.Field(4.0, ge=0, description="Of the teacher's term beside the labels'.")
    weight_decay: float = pydantic.Field(0.05, ge=0, description="Of AdamW.")
    trained_on: str = pydantic.Field(
        "", description="What the card says it was trained on; the target's name when empty."
    )
    seed: int = pydantic.Field(0, ge=0, description="Of every random choice.")

    @property
    def is_static(self) -> bool:
        return self.arch.partition(":")[0] == "static"

    @property
    def is_shortened(self) -> bool:
        return self.arch.partition(":")[0] == "shortened"

    def architecture(self, modality: str = "image", teacher: str | Path | Source | None = None) -> Source:
        """What `arch` names: an untrained source for `modality`, or the teacher's first layers.

        Raises:
            HeadstartError: there is no such thing.
        """
        name, arguments = self.parts()
        if not self.is_shortened:
            return UntrainedTimm(name, arguments, self.size, self.seed).for_modality(modality)
        if teacher is None or not isinstance(arguments.get("layers"), int):
            raise RecipeError(
                "A shortened network needs a --teacher and a number of layers: --arch shortened:layers=N."
            )
        return open_source(teacher).first_layers(arguments["layers"])

    def parts(self) -> tuple[str, dict[str, Any]]:
        return parts_of(self.arch)


def parts_of(arch: str) -> tuple[str, dict[str, Any]]:
    """Name and arguments of an architecture, `name:key=value,…`.

    Raises:
        RecipeError: something is no such pair.
    """
    import yaml

    name, _, given = arch.partition(":")
    arguments: dict[str, Any] = {}
    for pair in filter(None, given.split(";" if ";" in given else ",")):
        key, equals, value = pair.partition("=")
        if not equals:
            raise RecipeError(f"'{pair}' in the architecture '{arch}' is not key=value.")
        arguments[key] = yaml.safe_load(value.replace("-", ", ") if value.startswith("[") else value)
    return name, arguments


def pretrain(
    target: Any,
    *,
    out: str | Path,
    recipe: Pretraining | None = None,
    teacher: str | Path | Source | None = None,
    label: str | None = None,
    content: str | None = None,
    split: str | None = None,
    console: Console | None = None,
) -> Source:
    """Trains a new source on `target` and writes it to `out`, in its library's own format.

    Args:
        teacher: a larger source whose features the new one learns to predict, beside the labels.

    Raises:
        HeadstartError: something cannot be used; the message says what to do.
    """
    recipe = recipe or Pretraining()
    folder = Path(out).resolve()
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not (folder / artefact.STATE).is_dir())):
        raise RunError(f"{folder} exists already. Choose another name with --out.")
    files.require_writable(folder)
    if recipe.is_static:
        return _static(target, folder, recipe, teacher, content, console)
    bank = Bank(settings.current().bank)
    table = read(target, label=label, content=content, split=split)
    usable = checks.check(table, bank.facts(table.modality))
    parts = splits.split(usable, test=0.02, validation=0.1, seed=recipe.seed)
    source = recipe.architecture(table.modality, teacher)
    task = tasks.choose(parts.part("fit"), None, usable.table.learned)
    given = {"train": parts.train, "validation": parts.validation, "fit": parts.part("fit")}
    plan = build_plan(recipe, source, task, _teacher_objective(teacher, parts.train, bank, recipe))
    if console is not None:
        from headstart.receipt.terminal import trainable_table

        trainable_table(plan, source, console)
    trained = run(plan, source, given, Workplace(bank, folder / artefact.STATE))
    trained.heads.pop(TEACHER, None)
    _write(folder, trained, recipe, str(target), teacher)
    if console is not None:
        console.print(
            f"{folder}: {trained.cost.seconds:.0f} s, best validation {task.primary.replace('_', ' ')} "
            f"{max(moment.value or 0.0 for moment in trained.history):.3f}. "
            f"Adapt it with: headstart adapt TARGET --source {folder}"
        )
    return open_source(folder)


def _static(
    target: Any, folder: Path, recipe: Pretraining, teacher: Any, content: str | None, console: Console | None
) -> Source:
    """A table of vectors in closed form; texts need no labels, and nothing but a teacher knows what they mean."""
    import yaml

    from headstart.verbs import static

    if teacher is None:
        raise RecipeError("A static source learns from a teacher alone. Name one with --teacher.")
    watch = hardware.Stopwatch()
    knows = open_source(teacher)
    table = read(target, labelled=False, content=content, modality="text")
    usable = checks.check(table, Bank(settings.current().bank).facts(table.modality))
    examples = Examples(usable.table, np.arange(len(usable.table)), usable.keys)
    width = int(recipe.parts()[1].get("width", 128))
    taught, numbers = static.teach(examples, knows, width)
    trained_on = recipe.trained_on or Path(str(target)).name
    card = {"license": knows.description.card.licence, "trained_on": f"{trained_on}, features of {knows.title}"}
    static.write(folder, taught, numbers, knows, card)
    made = {
        "teacher": knows.title,
        "arch": recipe.arch,
        "texts": len(examples),
        "pieces": len(numbers),
        "cosine_start": round(taught.fit_before, 4),
        "cosine": round(taught.fit_after, 4),
        "pull": taught.pull,
        "seconds": round(watch.seconds),
        "versions": hardware.versions(),
    }
    files.write_text(folder / RECIPE, yaml.safe_dump(made, sort_keys=False))
    if console is not None:
        console.print(
            f"{folder}: {watch.seconds:.0f} s, {len(numbers):,} pieces; cosine with the teacher on held-out texts "
            f"{taught.fit_after:.3f} (pieces alone: {taught.fit_before:.3f}). "
            f"Adapt it with: headstart adapt TARGET --source {folder}"
        )
    return open_source(folder)


def build_plan(recipe: Pretraining, source: Source, task: Task, imitation: Objective | None) -> Plan:
    """One phase that trains every stage, from random weights or from the teacher's."""
    last = (source.stages[-1].name,)
    heads = [Head(HEAD, task.describe(), last, start="begun")]
    trains = [(stage.name, recipe.learning_rate) for stage in source.stages] + [(HEAD, recipe.learning_rate)]
    if imitation is not None:
        names = tuple(f"{TEACHER} {number}" for number in range(len(imitation.options["mean"])))
        heads.append(Head(TEACHER, Imitation(TEACHER, names).describe(), last))
        trains.append((TEACHER, recipe.learning_rate))
    stream = Stream("target", "train", (HEAD,), recipe.batch, recipe.views)
    phase = Train(
        "pretrain",
        tuple(trains),
        ("target",),
        Length(epochs=recipe.epochs),
        Schedule(0.05),
        objectives=(imitation,) if imitation else (),
        averaging="ema",
        averaging_rate=0.999,
        stop=Stop("validation", 0, 12),
        statistics="updated",
        weight_decay=recipe.weight_decay,
    )
    start: Literal["source", "random"] = "source" if recipe.is_shortened else "random"
    return Plan("pretrain", (stream,), tuple(heads), (phase,), start=start, seed=recipe.seed)


def _teacher_objective(
    teacher: str | Path | Source | None, train: Examples, bank: Bank, recipe: Pretraining
) -> Objective | None:
    """The teacher's features of every view, computed once and kept in the bank."""
    if teacher is None:
        return None
    source = open_source(teacher)
    point = Point(source.stages[-1].name)
    features = [
        features_of(bank, source, train, [point], view, f"Teacher, view {turn} of {recipe.views}").at[point]
        for turn, view in enumerate(source.turns(recipe.views), 1)
    ]
    moments = features[0]
    return Objective(
        "distil",
        recipe.teacher_weight,
        {
            "teacher": source.name,
            "bank": str(bank.root),
            "views": recipe.views,
            "head": TEACHER,
            "stream": "target",
            "mean": [round(float(value), 6) for value in moments.mean(axis=0)],
            "scale": [round(float(value), 6) for value in moments.std(axis=0) + 1e-3],
        },
    )


def _write(folder: Path, trained: Trained, recipe: Pretraining, target: str, teacher: Any) -> None:
    labels = trained.task.labels
    document = trained.source.artefact(labels, len(labels)).documents["config.json"]
    document["trained_on"] = recipe.trained_on or Path(target).name
    named = str(teacher.name if isinstance(teacher, Source) else Path(str(teacher)).name) if teacher else None
    publish(folder, trained, document, {"target": Path(target).name, "teacher": named, **recipe.model_dump()})


def publish(folder: Path, trained: Trained, document: dict[str, Any], recipe: dict[str, Any]) -> None:
    """The new source in half precision, with the recipe that made it; `document` is its configuration."""
    import shutil

    import yaml

    arrays = {
        name: array.astype(np.float16) if array.dtype == np.float32 else array
        for name, array in artefact.state_of(trained).items()
    }
    artefact.save_arrays(folder / "model.safetensors", arrays)
    history = [{"step": moment.step, "loss": moment.loss, "validation": moment.value} for moment in trained.history]
    made = {**recipe, "seconds": round(trained.cost.seconds), "versions": hardware.versions(), "history": history}
    files.write_text(folder / RECIPE, yaml.safe_dump(made, sort_keys=False))
    files.write_json(folder / "config.json", document)
    shutil.rmtree(folder / artefact.STATE, ignore_errors=True)
