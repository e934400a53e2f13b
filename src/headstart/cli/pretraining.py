"""The command that makes a new source: pretrain."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from headstart.cli.options import Content, Items, Label, Seed, Series, Split, Target, Time, User, Value
from headstart.cli.show import console
from headstart.core.registry import Registry

untaught: Registry[Callable[..., Any]] = Registry(
    "objective",
    {
        "forecasting": "headstart.verbs.pretrain_series:pretrain_series",
        "recommendation": "headstart.verbs.untaught_behaviour:from_nothing",
        "seq2seq": "headstart.verbs.untaught:from_nothing",
        "speech-recognition": "headstart.verbs.untaught_speech:from_nothing",
    },
)
"""What a new source learns from nothing."""


def pretrain(
    target: Target,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the new source.", show_default=False)],
    arch: Annotated[
        str | None,
        typer.Option(
            help="An architecture of timm, resnet10t when not given, or name:key=value,… for its arguments; "
            "static:width=N for texts; shortened:layers=N for the teacher's first layers; with --objective seq2seq, "
            "transformer:width=N,…; speech-recognition, recogniser:width=N,…; recommendation, "
            "behaviour:width=N,layers=N,text=SOURCE; forecasting, patches:context=N,horizon=N,….",
            show_default=False,
        ),
    ] = None,
    teacher: Annotated[
        str | None, typer.Option(help="A larger source to learn from as well.", show_default=False)
    ] = None,
    size: Annotated[int, typer.Option(help="Side of the input, in pixels.")] = 64,
    objective: Annotated[
        str | None,
        typer.Option(
            help="masked-lm or causal-lm: go on from --source with texts alone. seq2seq: with pairs of texts, from "
            "--source or from nothing. speech-recognition: with recordings and their transcripts (--text), from "
            "nothing. recommendation: with users and what they met, and --items. forecasting: with series, from "
            "nothing.",
            show_default=False,
        ),
    ] = None,
    source: Annotated[
        str | None, typer.Option("--source", "-s", help="With --objective: what to go on from.", show_default=False)
    ] = None,
    epochs: Annotated[
        float | None, typer.Option(help="Times through the examples: 30, or 3 with --source.", show_default=False)
    ] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(help="For AdamW: 0.002, 0.001 for seq2seq, or 0.0003 with --source.", show_default=False),
    ] = None,
    batch: Annotated[
        int | None,
        typer.Option(help="Examples a step: 64, or 16 for speech-recognition.", show_default=False),
    ] = None,
    views: Annotated[int, typer.Option(help="Augmented views of each example that take turns.")] = 4,
    label: Label = None,
    content: Content = None,
    split: Split = None,
    items: Items = None,
    user: User = None,
    time: Time = None,
    series: Series = None,
    value: Value = None,
    seed: Seed = 0,
) -> None:
    """Teach a new source on a larger task, to be adapted to smaller ones afterwards.

    Examples:

      headstart pretrain big-set/ --arch resnet10t --out my-source --teacher timm/resnet50.a1_in1k

      headstart pretrain texts.csv --arch static:width=128 --out my-words --teacher hf/sentence-transformers/all-MiniLM-L6-v2

      headstart pretrain corpus.txt --objective masked-lm --source hf/bert-base-uncased --out domain-bert

      headstart pretrain pairs.tsv --objective seq2seq --text en --label de --out my-translator

      headstart pretrain english.csv --objective speech-recognition --text sentence --out my-recogniser

      headstart pretrain many-series/ --objective forecasting --out my-series-source

      headstart pretrain ratings.parquet --objective recommendation --items books.parquet --out readers
    """  # noqa: E501
    from headstart.core.errors import HeadstartError

    if source is not None and objective is not None:
        from headstart.verbs.further import go_on

        go_on(
            target,
            source=source,
            objective=objective,
            out=out,
            epochs=epochs or 3,
            learning_rate=learning_rate or 3e-4,
            batch=batch or 64,
            label=label,
            content=content,
            seed=seed,
            console=console(),
        )
        return
    if objective in untaught.names():
        named = {"arch": arch, "epochs": epochs, "learning_rate": learning_rate, "batch": batch, "label": label}
        named |= {"content": content, "split": split, "items": items, "user": user}
        named |= {"time": time, "series": series, "value": value}
        given = {name: value for name, value in named.items() if value is not None}
        begin = untaught.get(objective)
        for name in given.keys() - inspect.signature(begin).parameters.keys():
            raise HeadstartError(f"--{name} says nothing to --objective {objective}. Leave it out.")
        begin(
            target,
            out=out,
            seed=seed,
            console=console(),
            **given,
        )
        return
    if objective is not None or source is not None:
        raise HeadstartError("--objective and --source belong together: what to go on from, and how. Give both.")
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
            arch=arch or "resnet10t",
            size=size,
            epochs=epochs or 30,
            learning_rate=learning_rate or 2e-3,
            batch=batch or 64,
            views=views,
            seed=seed,
        ),
    )
