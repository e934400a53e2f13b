"""Adapt a source to a target: from files to a saved run with its proof."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart import tasks
from headstart.bank import Bank
from headstart.core import files, hardware, settings, worker
from headstart.core.errors import HeadstartError, RunError
from headstart.data import checks, splits
from headstart.data.contents import contents_of
from headstart.data.read import read
from headstart.data.table import Examples, Table
from headstart.engine.run import run
from headstart.engine.trained import Workplace
from headstart.sources import Source, open_source
from headstart.sources.builtin import usual as usual_source
from headstart.sources.formats import RUN_MARK
from headstart.strategies import Strategy, Target
from headstart.tasks import Task
from headstart.verbs import artefact, baselines, proof
from headstart.verbs.items import acquainted
from headstart.verbs.model import Model, load
from headstart.verbs.recipe import RECIPE, Recipe, checked, dump
from headstart.verbs.recipe import load as load_recipe
from headstart.verbs.windows import divided, with_lengths

if TYPE_CHECKING:
    from rich.console import Console

IN_MEMORY = "in memory"
"""What a recipe says of a target that was no path."""


def adapt(
    target: Any,
    *,
    source: str | Path | Source | None = None,
    strategy: str | Strategy | None = None,
    options: Mapping[str, Any] | None = None,
    task: str | None = None,
    label: str | None = None,
    content: str | None = None,
    group: str | None = None,
    time: str | None = None,
    split: str | None = None,
    series: str | None = None,
    value: str | None = None,
    horizon: int | None = None,
    context: int | None = None,
    season: int | None = None,
    stride: int | None = None,
    known: str | None = None,
    items: str | Path | None = None,
    user: str | None = None,
    new_users: int | None = None,
    same_users: bool = False,
    same_items: bool = False,
    test: float = 0.25,
    validation: float | None = None,
    quarantine: float = 0.2,
    seed: int = 0,
    seeds: int = 1,
    beams: int | None = None,
    baselines: bool = True,
    baseline_budget: float = 60.0,
    out: str | Path | None = None,
    console: Console | None = None,
) -> Model:
    """Adapts `source` to `target`, proves it against baselines, and saves the run.

    Args:
        target: a folder with a folder for each class, a table file with a column of paths and one of labels, CoNLL
            columns, SQuAD's JSON, a Hugging Face data set folder, a zip, a table or data set in memory, or (contents,
            labels); see `headstart.data.read.read`.
        source: such as "builtin/image-tiny", "timm/resnet50.a1_in1k", a model folder, or an earlier run; the builtin
            one for the task or the contents when not given.
        strategy: "probe", "finetune", …, or one with its options, such as `Finetune(epochs=5)`; the task's usual one
            when not given: finetune for speech-recognition, else probe.
        options: of the strategy, when it is given by name.
        task: "classification", "multilabel", "regression", "tagging" or "question-answering"; found from the labels
            when not given. For texts that are written in answer to texts: "seq2seq". For texts without labels:
            "language-modeling" or "masked-language-modeling". For recordings with transcripts: "speech-recognition".
            For what comes next in series: "forecasting"; for steps that were not to be expected: "anomaly". For users
            and what they met: "recommendation".
        label, content, group, time, split: names of columns.
        series, value, horizon, context, season, stride: for forecasting and anomaly: the columns that tell series apart
            and hold values, how many steps are told, and of how many past ones; steps of the season; steps from one
            window to be tested on to the next. `split` may then say how many rows are for what, as "8640/2880/2880".
        known: for forecasting, columns of what is known ahead of time, such as "price,holiday", also of the steps to be
            told: to predict, give these steps as rows without a value.
        items: of users' histories, a table of the items, with columns that say what each is.
        user: of users' histories, the column of users.
        new_users: test on users who are not learned from, after so many of their items: 0 for those who met nothing.
        same_users: users are those of the same ids that the source learned from, elsewhere; what they did there counts.
        same_items: items are those of the same ids that the source learned from: what it knows of who met which counts.
        test, validation: shares, for parts that the target does not give; by default a quarter of all, and a fifth (at
            most 500) of the others.
        quarantine: share of bad items up to which the run goes on.
        seed, seeds: of every random choice, and how many of them (from `seed` on) the verdict is drawn from: with more
            than one, whatever is trained is trained anew with each, on the same parts; the first is the model.
        beams: ways to go on that are followed at once where answers are written, as in the source's settings, or 4; or
            where transcripts are searched for, 1.
        baselines: False skips the costly ones, and the receipt says so.
        baseline_budget: least time, in seconds, for the same network from random weights.
        out: folder of the run; `runs/NAME` when not given.
        console: where to show the plan and the receipt; nothing is shown when not given.

    Raises:
        HeadstartError: something cannot be used; the message says what, where, and what to do.
    """
    if isinstance(strategy, Strategy):
        options, strategy = strategy.model_dump(exclude_unset=True), _registered_name(strategy)
    kind = tasks.tasks.get(task) if task else tasks.Task
    label, content = kind.columns(label, content)
    named = target if isinstance(target, (str, Path)) else IN_MEMORY
    recipe = checked(
        Recipe,
        {
            "target": str(named),
            "source": source.name if isinstance(source, Source) else source and str(source),
            "strategy": strategy or kind.usual_strategy,
            "options": dict(options or {}),
            "task": task,
            "label": label,
            "content": content,
            "group": group,
            "time": time,
            "split": split,
            "series": series,
            "value": value,
            "horizon": horizon,
            "context": context,
            "season": season,
            "stride": stride,
            "known": known,
            "items": None if items is None else str(items),
            "user": user,
            "new_users": new_users,
            "same_users": same_users,
            "same_items": same_items,
            "test": test,
            "validation": validation,
            "quarantine": quarantine,
            "seed": seed,
            "seeds": seeds,
            "beams": beams,
            "baselines": baselines,
            "baseline_budget": baseline_budget,
        },
    )
    return follow(recipe, out=out, console=console, target=target, source=source)


def follow(
    recipe: Recipe,
    *,
    out: str | Path | None = None,
    console: Console | None = None,
    target: Any = None,
    source: str | Path | Source | None = None,
) -> Model:
    """Carries out a recipe in a new folder."""
    folder = Path(out).resolve() if out else _free_name(recipe.target)
    _require_free(folder)
    files.require_writable(folder)
    try:
        return _adapt(recipe, folder, target if target is not None else recipe.target, source or recipe.source, console)
    except HeadstartError:
        shutil.rmtree(folder, ignore_errors=True)  # nothing half-written
        raise
    except KeyboardInterrupt:  # what there is stays, to be resumed; the command line says how
        raise KeyboardInterrupt(*([str(folder)] if is_unfinished(folder) else [])) from None


def is_unfinished(folder: Path) -> bool:
    """Whether a run in `folder` was begun and can be gone on with."""
    return (folder / RECIPE).is_file() and (folder / artefact.STATE).is_dir()


def is_finished(folder: Path) -> bool:
    return (folder / RUN_MARK).is_file() and not (folder / artefact.STATE).is_dir()


def _require_free(folder: Path) -> None:
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if is_unfinished(folder):
        raise RunError(
            f"{folder} holds an unfinished run. Go on with it by: headstart adapt --resume {folder} "
            "or choose another name with --out."
        )
    what = "is not empty" if folder.is_dir() else "is a file"
    raise RunError(f"{folder} {what}. Choose another name with --out.")


def resume(folder: str | Path, *, console: Console | None = None) -> Model:
    """Goes on with a run that was stopped, to the same result."""
    path = Path(folder).resolve()
    if is_finished(path):
        return load(path)
    if not path.is_dir():
        raise RunError(f"There is no run {path}. Runs are made by `headstart adapt`.")
    if not (path / RECIPE).is_file():
        raise RunError(f"{path} has no {RECIPE}, so there is nothing to go on with.")
    recipe = load_recipe(path / RECIPE)
    if recipe.target == IN_MEMORY:
        raise RunError(f"{path} learned from data in memory, which is gone. Call headstart.adapt with it again.")
    return _adapt(recipe, path, recipe.target, recipe.source, console)


def repeat(path: str | Path, *, out: str | Path | None = None, console: Console | None = None) -> Model:
    """Repeats a run from its recipe.yaml, to the same numbers."""
    return follow(load_recipe(Path(path)), out=out, console=console)


def _adapt(
    recipe: Recipe, folder: Path, target: Any, opened: str | Path | Source | None, console: Console | None
) -> Model:
    table = None
    if opened is None:
        opened = _kind(recipe).usual_source
        if not opened:
            table = _table(target, recipe)
            opened = usual_source(table.modality)
        recipe = recipe.model_copy(update={"source": opened})
    source = open_source(opened)  # before the contents are read: a misspelt name costs nothing
    strategy = recipe.build_strategy()
    is_of_script = type(source).__module__ == "__main__"  # no other process knows what it is
    needs_network_here = strategy.is_random or "torch" in sys.modules or is_of_script
    with worker.worker(wanted=not needs_network_here and not source.is_described):
        source.begin()
        return _prove(recipe, strategy, folder, target if table is None else table, source, console)


def _prove(
    recipe: Recipe, strategy: Strategy, folder: Path, target: Any, source: Source, console: Console | None
) -> Model:
    watch = hardware.Stopwatch()
    bank = Bank(settings.current().bank, recipe.runtime)
    kind = _kind(recipe)
    context = source.reading(kind.reads).context if kind.looks_ahead else None
    table = target if isinstance(target, Table) else _table(target, recipe, context)
    source = source.with_head(kind.own_head).for_modality(table.modality, table.origin)
    if not kind.labelled:
        table = with_lengths(divided(table, source))
    usable = checks.check(table, bank.facts(table.modality), quarantine_share=recipe.quarantine)
    everything = Examples(usable.table, np.arange(len(usable.table)), usable.keys, sealed=True)
    parts = splits.split(usable, test=recipe.test, validation=recipe.validation, seed=recipe.seed)
    task = tasks.choose(parts.part("fit"), recipe.task, usable.table.learned)
    source, task = _fitted(source, task, recipe, everything, parts, bank)
    remarks = [
        *source.remarks(contents_of(everything), usable.counts),
        *task.remarks(lambda content: source.places(source.prepare(content)), parts.part("fit")),
    ]
    usable = replace(usable, table=usable.table.with_notes(*remarks))
    plan = strategy.plan(source, task, describe(parts, task), recipe.seed)
    if console is not None:
        from headstart.receipt.terminal import trainable_table

        trainable_table(plan, source, console, table.contents)
    files.write_text(folder / RECIPE, dump(recipe))
    (folder / artefact.STATE).mkdir(exist_ok=True)
    given: Mapping[str, Examples] = {name: parts.part(name) for name in ("train", "validation", "fit")}
    trained = run(plan, source, given, Workplace(bank, folder / artefact.STATE), upcoming=everything)
    arms = baselines.arms(trained, recipe, parts, given, bank)
    evidence = proof.evidence(folder.name, trained, usable, parts, arms, recipe, watch)
    opens_with = artefact.write(folder, trained)
    proof.write(folder, evidence, opens_with, console)
    artefact.seal(folder, proof.SEALED)
    choice = trained.filled.choice
    final = recipe.model_copy(
        update={
            "baseline_steps": arms.steps or recipe.baseline_steps,
            "runtime": choice.runtime.split()[0] if choice else recipe.runtime,
            "content": recipe.content or ",".join(usable.table.contents) or None,
        }
    )
    files.write_text(folder / RECIPE, dump(final))
    shutil.rmtree(folder / artefact.STATE)  # from here on the run is finished
    return load(folder)


def _kind(recipe: Recipe) -> type[Task]:
    return tasks.tasks.get(recipe.task) if recipe.task else tasks.Task


def _table(target: Any, recipe: Recipe, context: int | None = None) -> Table:
    """The target as the task needs it read; series with as many steps of the past as `context`."""
    kind = _kind(recipe)
    recipe.require_particular(kind.options, recipe.task)
    return read(
        target,
        label=recipe.label,
        content=recipe.content,
        group=recipe.group,
        time=recipe.time,
        split=recipe.split,
        labelled=kind.labelled,
        written=kind.texts,
        reader=kind.reader,
        windows=None if context is None else recipe.windows(context, kind.each_step),
        items=recipe.items,
        user=recipe.user,
        new_users=recipe.new_users,
        test=recipe.test,
        validation=recipe.validation,
    )


def _fitted(
    source: Source, task: Task, recipe: Recipe, examples: Examples, parts: splits.Splits, bank: Bank
) -> tuple[Source, Task]:
    """Source and task as these examples need them: what is read of the source, what it has to know of the things that
    examples refer to, how answers are looked for."""
    fit = parts.part("fit")
    source = source.reading(task.reads).suited(contents_of(fit), task.outlook(fit.labels(task.label)))
    source = acquainted(source, task, examples.table, bank, recipe)
    if not task.writes:
        return source, task.searching(recipe.beams)
    return source.writing(fit.labels(task.label), recipe.beams), task


def describe(parts: splits.Splits, task: Task) -> Target:
    """What strategies may know of the target."""
    weights = task.balance(task.encode(parts.part("fit").labels(task.label)))
    return Target(len(parts.train), len(parts.validation), float(np.max(weights) / np.min(weights)))


def _registered_name(strategy: Strategy) -> str:
    from headstart.strategies import strategies

    return next(name for name in strategies.names() if strategies.get(name) is type(strategy))


def _free_name(target: str) -> Path:
    stem = Path(target).stem if target != IN_MEMORY else "memory"
    name = stem or "run"
    number = 1
    folder = Path("runs") / name
    while folder.exists() and any(folder.iterdir()):
        number += 1
        folder = Path("runs") / f"{name}-{number}"
    return folder.resolve()
