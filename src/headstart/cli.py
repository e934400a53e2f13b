"""The command line: one command a verb. Each parses, calls, and shows; nothing is decided here."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from headstart.data.table import Quarantined

app = typer.Typer(
    name="headstart",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Takes what a model already knows to a new task, and shows whether it helped.\n\n"
    "Start here: [bold]headstart demo[/bold]",
)
bank_app = typer.Typer(
    no_args_is_help=True,
    help="Look after the bank, where features are kept so that nothing is "
    "computed twice.\n\nExample: headstart bank list",
)
app.add_typer(bank_app, name="bank")

Target = Annotated[str, typer.Argument(help="Folder, table file, data set folder or zip.", show_default=False)]
Source = Annotated[str, typer.Option("--source", "-s", help="What to start from; `headstart sources` lists some.")]
Out = Annotated[Path | None, typer.Option("--out", "-o", help="Where to write.", show_default=False)]
Label = Annotated[str | None, typer.Option(help="Column to learn.", show_default=False)]
Content = Annotated[str | None, typer.Option(help="Column of paths or pictures.", show_default=False)]
Group = Annotated[
    str | None, typer.Option(help="Column whose values never lie across parts (patient, video).", show_default=False)
]
Time = Annotated[
    str | None, typer.Option(help="Column by which the latest examples become the test.", show_default=False)
]
Split = Annotated[str | None, typer.Option(help="Column that says train, validation or test.", show_default=False)]
Seed = Annotated[int, typer.Option(help="Of every random choice.")]


def console() -> Console:
    from rich.console import Console

    return Console(highlight=False)


@app.command()
def adapt(
    target: Annotated[
        str | None, typer.Argument(help="Folder, table file, data set folder or zip.", show_default=False)
    ] = None,
    source: Source = "builtin/image-tiny",
    strategy: Annotated[str, typer.Option("--strategy", help="probe or finetune.")] = "probe",
    option: Annotated[
        list[str] | None,
        typer.Option("--set", help="An option of the strategy, name=value; repeatable.", show_default=False),
    ] = None,
    freeze: Annotated[
        str | None,
        typer.Option(help="finetune: last stage that stays frozen (auto, none, all, or a name).", show_default=False),
    ] = None,
    epochs: Annotated[
        float | None, typer.Option(help="finetune: times through the training examples.", show_default=False)
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="finetune: of the last stage.", show_default=False)
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(help="classification, multilabel or regression; found when not given.", show_default=False),
    ] = None,
    label: Label = None,
    content: Content = None,
    group: Group = None,
    time: Time = None,
    split: Split = None,
    test: Annotated[float, typer.Option(help="Share to test on, when the target has no test part.")] = 0.25,
    validation: Annotated[float, typer.Option(help="Share of the others to choose by, when none is given.")] = 0.2,
    quarantine: Annotated[float, typer.Option(help="Share of bad items up to which the run goes on.")] = 0.2,
    seed: Seed = 0,
    baselines: Annotated[bool, typer.Option(help="Run the costly baselines too.")] = True,
    baseline_budget: Annotated[float, typer.Option(help="Least seconds for the network from random weights.")] = 60.0,
    out: Out = None,
    recipe: Annotated[Path | None, typer.Option(help="Repeat the run of this recipe.yaml.", show_default=False)] = None,
    resume: Annotated[Path | None, typer.Option(help="Go on with this stopped run.", show_default=False)] = None,
) -> None:
    """Adapt a source to your data, prove it, and save the run.

    Examples:

      headstart adapt photos/ --source timm/resnet50.a1_in1k

      headstart adapt photos.csv --label species --strategy finetune --epochs 10

      headstart adapt --resume runs/photos
    """
    from headstart.core.errors import HeadstartError
    from headstart.verbs import adapt as verb

    screen = console()
    if resume is not None:
        verb.resume(resume, console=screen)
    elif recipe is not None:
        verb.repeat(recipe, out=out, console=screen)
    elif target is None:
        raise HeadstartError(
            "Say what to adapt to: a folder of photos, a table file, a zip. "
            "Example: headstart adapt photos/ --source builtin/image-tiny"
        )
    else:
        named = {"freeze": freeze, "epochs": epochs, "learning_rate": learning_rate}
        options = {**settings(option or []), **{name: value for name, value in named.items() if value is not None}}
        verb.adapt(
            target,
            source=source,
            strategy=strategy,
            options=options,
            task=task,
            label=label,
            content=content,
            group=group,
            time=time,
            split=split,
            test=test,
            validation=validation,
            quarantine=quarantine,
            seed=seed,
            baselines=baselines,
            baseline_budget=baseline_budget,
            out=out,
            console=screen,
        )


@app.command()
def evaluate(
    run: Annotated[Path, typer.Argument(help="Folder of a run.", show_default=False)],
    target: Target,
    label: Label = None,
    form: Annotated[str, typer.Option("--format", help="table or json.")] = "table",
) -> None:
    """Say how good a run is on other labelled data.

    Example: headstart evaluate runs/photos photos-test/
    """
    import json

    from headstart.verbs.evaluate import evaluate as verb
    from headstart.verbs.model import load

    result = verb(load(run), target, label=label)
    if form == "json":
        print(json.dumps(result.as_dict(), indent=1, ensure_ascii=False))
        return
    rows = [
        (result.titles[name], f"{one.value:.3f}", f"{one.low:.3f} to {one.high:.3f}")
        for name, one in result.metrics.items()
    ]
    show_table(f"{run} on {target}: {result.items} items", ("", "value", "95 % interval"), rows)
    show_quarantine(result.quarantine)


@app.command()
def predict(
    run: Annotated[Path, typer.Argument(help="Folder of a run.", show_default=False)],
    contents: Annotated[list[str], typer.Argument(help="Files, or one folder or table file.", show_default=False)],
    form: Annotated[str, typer.Option("--format", help="table, json, csv or parquet.")] = "table",
    out: Out = None,
) -> None:
    """Predict new examples with a run.

    Examples:

      headstart predict runs/photos new/*.jpg

      headstart predict runs/photos new/ --format csv --out answers.csv
    """
    from headstart.core import files
    from headstart.core.errors import HeadstartError
    from headstart.verbs import predict as verb
    from headstart.verbs.model import load

    model = load(run)
    if form not in verb.FORMATS:
        verb.written(None, form)
    answers = model.answer(verb.expand(contents))
    table = verb.as_table(model, answers)
    if form == "table" and out is None:
        rows = [
            (str(row["id"]), str(row["answer"]), f"{row['confidence']:.3f}" if "confidence" in row else "")
            for row in table.to_pylist()
        ]
        show_table("", ("example", "answer", "confidence"), rows)
    elif out is not None:
        with files.atomic(out) as temporary:
            temporary.write_bytes(verb.written(table, "csv" if form == "table" else form))
        print(f"{len(table)} predictions written to {out}")
    elif form == "parquet":
        raise HeadstartError("Parquet is not for the screen. Say where to write it with --out.")
    else:
        sys.stdout.write(verb.written(table, form).decode())
    show_quarantine(answers.quarantine)


@app.command()
def embed(
    contents: Target,
    source: Source = "builtin/image-tiny",
    out: Annotated[Path, typer.Option("--out", "-o", help="Parquet file to write.")] = Path("features.parquet"),
    stage: Annotated[
        list[str] | None, typer.Option(help="Stage to read; repeatable. The last when not given.", show_default=False)
    ] = None,
) -> None:
    """Write the features that a source gives for your data.

    Example: headstart embed photos/ --source builtin/image-tiny --out features.parquet
    """
    import pyarrow.parquet as parquet

    from headstart.core import files
    from headstart.verbs.embed import embed as verb

    files.require_writable(out.resolve().parent)
    table = verb(contents, source=source, stages=tuple(stage or ()))
    with files.atomic(out) as temporary:
        parquet.write_table(table, temporary)
    print(f"{len(table)} rows written to {out}: {', '.join(table.column_names)}")


@app.command()
def inspect(
    target: Target,
    label: Label = None,
    content: Content = None,
    group: Group = None,
    time: Time = None,
    split: Split = None,
    labelled: Annotated[bool, typer.Option(help="Whether to look for labels.")] = True,
) -> None:
    """Say what is in your data, and what is wrong with it.

    Example: headstart inspect photos/
    """
    from headstart.verbs.inspect import inspect as verb

    found = verb(target, label=label, content=content, group=group, time=time, split=split, labelled=labelled)
    screen = console()
    screen.print(
        f"[bold]{found.origin}[/bold]: {found.examples} usable examples"
        + (f", {found.duplicates} of them look like another" if found.duplicates else "")
    )
    if found.labels:
        most = max(found.labels.values())
        show_table(
            "",
            ("label", "examples", ""),
            [
                (name, str(count), "█" * max(1, round(24 * count / most)))
                for name, count in list(found.labels.items())[:30]
            ],
        )
        if len(found.labels) > 30:
            screen.print(f"… and {len(found.labels) - 30} more labels")
    if found.parts:
        screen.print("Parts: " + ", ".join(f"{name} {count}" for name, count in found.parts.items()))
    for name, values in found.properties.items():
        screen.print(f"{name.capitalize()}: " + ", ".join(f"{value} ({count})" for value, count in values))
    for note in found.notes:
        screen.print(f"[yellow]Note:[/yellow] {note}")
    show_quarantine(found.quarantine)


@app.command()
def sources(
    search: Annotated[
        str, typer.Option(help="Part of a name; with it, everything the libraries know is searched.")
    ] = "",
    stages: Annotated[str | None, typer.Option(help="Show the stages of this source.", show_default=False)] = None,
) -> None:
    """List what can be started from: here first, then on a hub.

    Examples:

      headstart sources

      headstart sources --search resnet

      headstart sources --stages builtin/image-tiny
    """
    from headstart.sources import open_source
    from headstart.sources.catalogue import catalogue

    if stages is not None:
        found = open_source(stages)
        rows = [
            (stage.name, f"{stage.parameters:,}", "×".join(map(str, stage.shape)), str(stage.width))
            for stage in found.stages
        ]
        show_table(
            f"{found.name}: input {'×'.join(map(str, found.input_shape()))}, licence {found.description.card.licence}",
            ("stage", "parameters", "output", "features"),
            rows,
        )
        return
    lines = [
        (
            entry.name,
            f"{entry.parameters:.1f} M" if entry.parameters else "",
            entry.input,
            entry.licence,
            entry.trained_on,
            f"here, {entry.size / 1e6:.0f} MB" if entry.here else "hub",
        )
        for entry in catalogue(search)[:60]
    ]
    show_table("", ("source", "parameters", "input", "licence", "trained on", "where"), lines)


@app.command()
def compare(runs: Annotated[list[Path], typer.Argument(help="Two or more runs.", show_default=False)]) -> None:
    """Put the receipts of several runs side by side, with paired intervals on the test items they share.

    Example: headstart compare runs/photos runs/photos-2
    """
    from headstart.receipt.terminal import compare_table
    from headstart.verbs.compare import compare as verb

    compare_table(verb(runs), console())


@app.command()
def pretrain(
    target: Target,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the new source.", show_default=False)],
    arch: Annotated[
        str, typer.Option(help="An architecture of timm, or name:key=value,… for its arguments.")
    ] = "resnet10t",
    teacher: Annotated[
        str | None, typer.Option(help="A larger source to learn from as well.", show_default=False)
    ] = None,
    size: Annotated[int, typer.Option(help="Side of the input, in pixels.")] = 64,
    epochs: Annotated[float, typer.Option(help="Times through the examples.")] = 30,
    learning_rate: Annotated[float, typer.Option(help="For AdamW.")] = 2e-3,
    batch: Annotated[int, typer.Option(help="Examples a step.")] = 64,
    views: Annotated[int, typer.Option(help="Augmented views of each example that take turns.")] = 4,
    label: Label = None,
    content: Content = None,
    split: Split = None,
    seed: Seed = 0,
) -> None:
    """Teach a new source on a larger task, to be adapted to smaller ones afterwards.

    Example: headstart pretrain big-set/ --arch resnet10t --out my-source --teacher timm/resnet50.a1_in1k
    """
    from headstart.verbs.pretrain import Pretraining
    from headstart.verbs.pretrain import pretrain as verb

    verb(
        target,
        out=out,
        teacher=teacher,
        label=label,
        content=content,
        split=split,
        console=console(),
        recipe=Pretraining(
            arch=arch, size=size, epochs=epochs, learning_rate=learning_rate, batch=batch, views=views, seed=seed
        ),
    )


@app.command()
def demo(out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the run.")] = Path("runs/demo")) -> None:
    """See it work, offline, in about a minute: handwritten digits from ten examples a class.

    Example: headstart demo
    """
    from headstart.verbs.demo import demo as verb

    verb(out, console=console())


@bank_app.command("list")
def bank_list() -> None:
    """List what is kept: source, stage, items, size, last use."""
    from headstart.bank.store import age
    from headstart.verbs.bank import open_bank

    bank = open_bank()
    rows = [
        (
            str(shelf.about.get("source", "")),
            str(shelf.about.get("point", "")),
            str(shelf.about.get("view", "")),
            f"{shelf.items:,}",
            f"{shelf.size / 1e6:.1f} MB",
            age(shelf.used),
        )
        for shelf in bank.summaries()
    ]
    show_table(f"{bank.root}", ("source", "stage", "view", "items", "size", "used"), rows)


@bank_app.command("verify")
def bank_verify() -> None:
    """Read everything again and remove what is damaged; it will be computed anew when it is needed."""
    from headstart.verbs.bank import open_bank

    damaged = open_bank().verify()
    for shelf, keys in damaged.items():
        print(f"{shelf}: removed {len(keys)} damaged: {', '.join(keys[:3])}")
    print("The bank is whole." if not damaged else "The rest of the bank is whole.")


@bank_app.command("trim")
def bank_trim(
    gigabytes: Annotated[
        float | None,
        typer.Option("--to", help="Size in gigabytes; HEADSTART_BANK_GB (20) when not given.", show_default=False),
    ] = None,
) -> None:
    """Remove what was used least recently until the bank is small enough."""
    from headstart.verbs.bank import trim

    removed, freed = trim(gigabytes)
    print(f"{removed} shelves removed, {freed / 1e6:.1f} MB freed.")


@bank_app.command("clear")
def bank_clear() -> None:
    """Remove everything from the bank."""
    from headstart.verbs.bank import open_bank

    print(f"{open_bank().clear() / 1e6:.1f} MB freed.")


def settings(pairs: list[str]) -> dict[str, Any]:
    """`name=value` pairs as a dictionary; values are read as YAML does (numbers, true, false, words)."""
    import yaml

    from headstart.core.errors import RecipeError

    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise RecipeError(f"--set needs name=value, not '{pair}'.")
        found[name.strip()] = yaml.safe_load(value)
    return found


def show_table(title: str, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    from rich import box
    from rich.table import Table

    table = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD)
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*row)
    console().print(table)


def show_quarantine(items: tuple[Quarantined, ...]) -> None:
    """What was set aside goes to standard error, so that it does not mix with results."""
    for item in items[:20]:
        print(f"Set aside: {item.id}: {item.reason}", file=sys.stderr)
    if len(items) > 20:
        print(f"… and {len(items) - 20} more set aside", file=sys.stderr)


def main() -> None:
    """Runs the command line; a user's mistake ends with one sentence and exit code 2, an interrupt with 130."""
    from headstart.core.errors import HeadstartError

    try:
        app()
    except HeadstartError as mistake:
        print(f"headstart: {mistake}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("\nheadstart: stopped. An unfinished run goes on with: headstart adapt --resume FOLDER", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(0)
