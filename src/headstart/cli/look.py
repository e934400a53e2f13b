"""Commands that look: inspect, sources, embed, compare."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from headstart.cli.options import (
    Content,
    Context,
    Group,
    Horizon,
    Items,
    Known,
    Label,
    Season,
    Series,
    Source,
    Split,
    Target,
    Time,
    User,
    Value,
)
from headstart.cli.show import console, show_quarantine, show_table
from headstart.core.wording import counted

SHOWN = 60
"""Sources that are listed at once."""
NAMED = 3
"""Sets of examples that a source is said to have seen."""


def embed(
    contents: Target,
    source: Source = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Parquet file to write.")] = Path("features.parquet"),
    stage: Annotated[
        list[str] | None, typer.Option(help="Stage to read; repeatable. The last when not given.", show_default=False)
    ] = None,
    label: Label = None,
    content: Content = None,
) -> None:
    """Write the features that a source gives for your data.

    Examples:

      headstart embed photos/ --source builtin/image-tiny --out features.parquet

      headstart embed reviews.csv --text review --label stars --source builtin/text-tiny
    """
    import pyarrow.parquet as parquet

    from headstart.core import files
    from headstart.receipt import words
    from headstart.verbs.embed import embed as verb

    files.require_writable(out.resolve().parent)
    table = verb(contents, source=source, stages=tuple(stage or ()), label=label, content=content)
    with files.atomic(out) as temporary:
        parquet.write_table(table, temporary)
    print(f"{words.count(len(table), 'rows')} written to {out}: {', '.join(table.column_names)}")


def inspect(
    target: Target,
    label: Label = None,
    content: Content = None,
    group: Group = None,
    time: Time = None,
    split: Split = None,
    labelled: Annotated[bool, typer.Option(help="Whether to look for labels.")] = True,
    task: Annotated[
        str | None,
        typer.Option(
            help="The task that it is for, where the data does not tell: such as forecasting or seq2seq.",
            show_default=False,
        ),
    ] = None,
    series: Series = None,
    value: Value = None,
    horizon: Horizon = None,
    context: Context = None,
    season: Season = None,
    known: Known = None,
    items: Items = None,
    user: User = None,
) -> None:
    """Say what is in your data, and what is wrong with it.

    Examples:

      headstart inspect photos/

      headstart inspect ratings.parquet --task recommendation --items books.parquet

      headstart inspect sales.csv --task forecasting --time date --series store --value units --horizon 24
    """
    from headstart.verbs.inspect import inspect as verb

    found = verb(
        target, label=label, content=content, group=group, time=time, split=split, labelled=labelled, task=task,
        series=series, value=value, horizon=horizon, context=context, season=season, known=known,
        items=items, user=user,
    )  # fmt: skip
    screen = console()
    screen.print(
        f"{found.origin}: {found.examples:,} usable {found.things}"
        + (f", {counted(found.duplicates, 'of them looks', 'of them look')} like another" if found.duplicates else ""),
        markup=False,
        soft_wrap=True,
    )
    for what, value in found.about:
        screen.print(f"{what.capitalize()}: {value}", markup=False, soft_wrap=True)
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
            screen.print(f"… and {counted(len(found.labels) - 30, 'more label', 'more labels')}")
    if found.parts:
        screen.print("Parts: " + ", ".join(f"{name} {count}" for name, count in found.parts.items()), markup=False)
    for name, values in found.properties.items():
        seen = ", ".join(f"{value} ({count})" for value, count in values)
        screen.print(f"{name.capitalize()}: {seen}", markup=False)
    for note in found.notes:
        screen.print(f"Note: {note}", style="yellow", markup=False)
    show_quarantine(found.quarantine)


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
    from headstart.core.errors import HeadstartError
    from headstart.receipt import words
    from headstart.sources import open_source
    from headstart.sources.catalogue import catalogue

    if stages is not None:
        found = open_source(stages)
        rows = [(stage.name, f"{stage.parameters:,}", _shape(stage.shape), str(stage.width)) for stage in found.stages]
        show_table(
            f"{found.name}: input {'×'.join(map(str, found.input_shape()))}, licence {found.description.card.licence}",
            ("stage", "parameters", "output", "features"),
            rows,
        )
        return
    entries = catalogue(search)
    if not entries:
        raise HeadstartError(f"No source has '{search}' in its name. `headstart sources` lists good first choices.")
    lines = [
        (
            entry.name,
            f"{entry.parameters:.1f} M" if entry.parameters else "",
            entry.input,
            _first_of(entry.trained_on),
            f"here, {words.size(entry.size)}, {entry.licence}" if entry.here else "hub",
        )
        for entry in entries[:SHOWN]
    ]
    show_table("", ("source", "parameters", "input", "trained on", "where"), lines)
    if len(entries) > SHOWN:
        print(f"… and {len(entries) - SHOWN} more: narrow it with --search.")


def _first_of(trained_on: str) -> str:
    """The first sets of many: a card may list dozens."""
    first, others = (names := trained_on.split(", "))[:NAMED], names[NAMED:]
    return ", ".join(first) + (f" and {len(others)} more" if others else "")


def _shape(shape: tuple[int, ...]) -> str:
    """`7×7×320`; L for an axis whose length differs between examples."""
    return "×".join("L" if length < 0 else str(length) for length in shape)


def compare(runs: Annotated[list[Path], typer.Argument(help="Two or more runs.", show_default=False)]) -> None:
    """Put the receipts of several runs side by side, with paired intervals on the test items they share.

    Example: headstart compare runs/photos runs/photos-2
    """
    from headstart.receipt.terminal import compare_table
    from headstart.verbs.compare import compare as verb

    compare_table(verb(runs), console())
