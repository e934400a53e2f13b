"""Commands that make or use a model: adapt, evaluate, predict, demo."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headstart.cli.options import (
    Beams,
    Content,
    Context,
    Group,
    Horizon,
    Items,
    Known,
    Label,
    NewUsers,
    Out,
    SameItems,
    SameUsers,
    Season,
    Seed,
    Series,
    Source,
    Split,
    Stride,
    Time,
    User,
    Value,
    settings,
)
from headstart.cli.show import (
    console,
    show_drift,
    show_evaluation,
    show_notes,
    show_quarantine,
    show_recommendations,
    show_table,
)

if TYPE_CHECKING:
    import pyarrow as pa

    from headstart.verbs.model import Model
    from headstart.verbs.recommend import Recommendations


def adapt(
    target: Annotated[
        str | None, typer.Argument(help="Folder, table file, data set folder or zip.", show_default=False)
    ] = None,
    source: Source = None,
    strategy: Annotated[
        str | None,
        typer.Option(
            "--strategy",
            help="probe (the usual one), finetune, lora or contrastive.",
            show_default=False,
        ),
    ] = None,
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
        typer.Option(
            help="classification, multilabel, regression, tagging or question-answering (found when not given); "
            "seq2seq, for texts written in answer to texts; language-modeling or masked-language-modeling, for texts "
            "without labels; forecasting, for what comes next in series; anomaly, for what was not expected there; "
            "recommendation, for users and what they met; speech-recognition, for recordings with transcripts.",
            show_default=False,
        ),
    ] = None,
    label: Label = None,
    content: Content = None,
    group: Group = None,
    time: Time = None,
    split: Split = None,
    series: Series = None,
    value: Value = None,
    horizon: Horizon = None,
    context: Context = None,
    season: Season = None,
    stride: Stride = None,
    known: Known = None,
    items: Items = None,
    user: User = None,
    new_users: NewUsers = None,
    same_users: SameUsers = False,
    same_items: SameItems = False,
    test: Annotated[float, typer.Option(help="Share to test on, when the target has no test part.")] = 0.25,
    validation: Annotated[
        float | None,
        typer.Option(help="Share of the others to choose by; a fifth, at most 500, by default.", show_default=False),
    ] = None,
    quarantine: Annotated[float, typer.Option(help="Share of bad items up to which the run goes on.")] = 0.2,
    seed: Seed = 0,
    seeds: Annotated[
        int, typer.Option(help="Train with this many seeds: the verdict is drawn from all, the first is saved.")
    ] = 1,
    beams: Beams = None,
    no_baselines: Annotated[bool, typer.Option("--no-baselines", help="Skip the costly baselines.")] = False,
    baseline_budget: Annotated[float, typer.Option(help="Least seconds for the network from random weights.")] = 60.0,
    out: Out = None,
    recipe: Annotated[Path | None, typer.Option(help="Repeat the run of this recipe.yaml.", show_default=False)] = None,
    resume: Annotated[Path | None, typer.Option(help="Go on with this stopped run.", show_default=False)] = None,
) -> None:
    """Adapt a source to your data, prove it, and save the run.

    Examples:

      headstart adapt photos/ --source timm/resnet50.a1_in1k

      headstart adapt photos.csv --label species --strategy finetune --epochs 10

      headstart adapt squad.json --source hf/bert-base-cased --strategy finetune

      headstart adapt pairs.tsv --task seq2seq --text en --label de --source hf/google-t5/t5-small --strategy finetune

      headstart adapt sales.csv --task forecasting --time date --series store --horizon 24 --source builtin/series-tiny

      headstart adapt machine.csv --task anomaly --time timestamp --label in_window --source builtin/series-tiny

      headstart adapt --resume runs/photos
    """
    from headstart.core.errors import HeadstartError
    from headstart.verbs import adapt as verb

    screen = console()
    if resume is not None:
        if verb.is_finished(resume):
            screen.print(f"{resume} is finished already; there is nothing to go on with.", soft_wrap=True)
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
            series=series,
            value=value,
            horizon=horizon,
            context=context,
            season=season,
            stride=stride,
            known=known,
            items=items,
            user=user,
            new_users=new_users,
            same_users=same_users,
            same_items=same_items,
            test=test,
            validation=validation,
            quarantine=quarantine,
            seed=seed,
            seeds=seeds,
            beams=beams,
            baselines=not no_baselines,
            baseline_budget=baseline_budget,
            out=out,
            console=screen,
        )


def evaluate(
    run: Annotated[Path, typer.Argument(help="Folder of a run; with --verify, or a source.", show_default=False)],
    targets: Annotated[list[str], typer.Argument(help="One or more labelled targets.", show_default=False)],
    label: Label = None,
    content: Content = None,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Judge pairs instead: are both of one label? Labels need not be known."),
    ] = False,
    form: Annotated[str, typer.Option("--format", help="table or json.")] = "table",
) -> None:
    """Say how good a run is on other labelled data, and how much is lost against its own test.

    Examples:

      headstart evaluate runs/photos photos-test/

      headstart evaluate runs/books dvd.parquet electronics.parquet kitchen.parquet

      headstart evaluate runs/voices unknown-voices.csv --label speaker --verify

      headstart evaluate builtin/audio-tiny unknown-voices.csv --label speaker --verify
    """
    import json

    from headstart.core.errors import HeadstartError
    from headstart.core.registry import suggest
    from headstart.sources.formats import RUN_MARK
    from headstart.verbs.evaluate import evaluate as verb
    from headstart.verbs.model import load
    from headstart.verbs.verify import verify as same_label

    if form not in ("table", "json"):
        raise HeadstartError(f"There is no format '{form}'. {suggest(form, ('table', 'json'))}")
    if verify:
        judged = load(run) if (run / RUN_MARK).is_file() else str(run)
        found = {target: same_label(judged, target, label=label, content=content) for target in targets}
    else:
        model = load(run)
        found = {target: verb(model, target, label=label, content=content) for target in targets}
    if form == "json":
        documents = [{"target": target, **one.as_dict()} for target, one in found.items()]
        print(json.dumps(documents[0] if len(documents) == 1 else documents, indent=1, ensure_ascii=False))
        return
    for target, one in found.items():
        show_evaluation(f"{run} on {target}", one)
    if len(found) > 1 and not verify:
        show_drift(f"{run}: what each change of domain costs", found)


def predict(
    run: Annotated[Path, typer.Argument(help="Folder of a run.", show_default=False)],
    contents: Annotated[
        list[str] | None, typer.Argument(help="Files, or one folder or table file.", show_default=False)
    ] = None,
    content: Content = None,
    prompt: Annotated[
        str | None,
        typer.Option(help="Text that the model goes on from, fills in, answers or labels.", show_default=False),
    ] = None,
    user: Annotated[str | None, typer.Option(help="User to recommend to.", show_default=False)] = None,
    met: Annotated[
        str | None, typer.Option(help="To recommend by: ids of items that were met, as a,b,c.", show_default=False)
    ] = None,
    top: Annotated[int, typer.Option(help="How many items to recommend.")] = 10,
    beams: Beams = None,
    form: Annotated[str, typer.Option("--format", help="table, json, csv or parquet.")] = "table",
    out: Out = None,
) -> None:
    """Predict new examples with a run.

    Examples:

      headstart predict runs/photos new/*.jpg

      headstart predict runs/photos new/ --format csv --out answers.csv

      headstart predict runs/stories --prompt "Once upon a time"

      headstart predict runs/films --prompt "The plot is [MASK], the actors are not"

      headstart predict runs/reviews --prompt "Not what the box promised"

      headstart predict runs/english-german new.tsv --beams 8

      headstart predict runs/books --user 42 --top 10

      headstart predict runs/books users.csv --top 3 --format csv --out shown.csv
    """
    from headstart.core.errors import HeadstartError
    from headstart.data.contents import Contents
    from headstart.data.modalities import open_modality
    from headstart.verbs import predict as verb
    from headstart.verbs.model import load
    from headstart.verbs.recommend import knows_users, table_of

    if prompt is not None and contents:
        raise HeadstartError(f"Predict --prompt and {contents[0]} one after the other: it is one or the other.")
    model = load(run) if beams is None else load(run).writing(beams)
    takes_text = open_modality(model.source.modality).recognises("")
    if prompt is not None and (model.task.own_head or not takes_text):
        print(model.generate(prompt))
        return
    if form not in verb.FORMATS:
        verb.written(None, form)
    if recommended := _recommended(model, user, met, contents, top):
        if form == "table" and out is None:
            show_recommendations(recommended)
        else:
            _write(table_of(recommended), form, out)
        show_notes(note for one in recommended for note in one.notes)
        return
    if prompt is None and not contents:
        ways = "--user ID, --met IDS or a table of users" if knows_users(model) else "files, a folder or a table file"
        prompted = ", or --prompt TEXT" if takes_text else ""
        raise HeadstartError(f"There is nothing to predict. Give {ways}{prompted}.")
    answers = model.answer(verb.expand(contents) if contents else [prompt], content)
    table = verb.as_table(model, answers)
    if form != "table" or out is not None:
        _write(table, form, out)
    elif "answer" not in table.column_names:
        show_table("", tuple(table.column_names), [tuple(map(_short, row.values())) for row in table.to_pylist()])
    else:
        sure = ["confidence"] if "confidence" in table.column_names else []
        at_hand = Contents(answers.table).at_hand
        rows = [
            (one["id"], _told(model.task.shown(one["answer"], at_hand(row))), *(f"{one[name]:.3f}" for name in sure))
            for row, one in enumerate(table.to_pylist())
        ]
        show_table("", ("example", "answer", *sure), rows)
    show_quarantine(answers.quarantine)


def _recommended(
    model: Model, user: str | None, met: str | None, contents: list[str] | None, count: int
) -> list[Recommendations] | None:
    """Where a user is named, or a table of users."""
    from headstart.verbs.recommend import knows_users, recommend, recommend_to_all

    if user is not None or met is not None:
        chosen = [one.strip() for one in (met or "").split(",") if one.strip()]
        return [recommend(model, user, met=chosen, count=count, histories=contents[0] if contents else None)]
    if contents and knows_users(model):
        return recommend_to_all(model, contents[0], count=count)
    return None


def _write(table: pa.Table, form: str, out: Path | None) -> None:
    """To a file, or to the screen where there is none."""
    from headstart.core import files
    from headstart.core.errors import HeadstartError
    from headstart.receipt import words
    from headstart.verbs import predict as verb

    if out is not None:
        with files.atomic(out) as temporary:
            temporary.write_bytes(verb.written(table, "csv" if form == "table" else form))
        print(f"{words.count(len(table), 'predictions')} written to {out}")
    elif form == "parquet":
        raise HeadstartError("Parquet is not for the screen. Say where to write it with --out.")
    else:
        sys.stdout.write(verb.written(table, form).decode())


def _short(value: object) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def _told(answer: object) -> str:
    from headstart.receipt import words

    return words.titles(answer) or "none" if isinstance(answer, list) else str(answer)


def demo(
    kind: Annotated[str, typer.Argument(help="digits, text, audio, series or ratings.")] = "digits",
    out: Out = None,
) -> None:
    """See it work, offline, in a minute or two: handwritten digits, sentences or sounds, from ten examples a class;
    what comes next in made-up series; or what made-up people read next, from what others watch.

    Examples:

      headstart demo

      headstart demo text

      headstart demo audio

      headstart demo series

      headstart demo ratings
    """
    from headstart.verbs.demo import demo as verb

    verb(kind, out, console=console())
