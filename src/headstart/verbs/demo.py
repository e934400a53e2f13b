"""Demos: a small task, offline, with everything that comes with the package."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from headstart.core.errors import RunError
from headstart.data.table import Table
from headstart.strategies.finetune import Finetune
from headstart.verbs.adapt import adapt, is_finished
from headstart.verbs.model import Model

if TYPE_CHECKING:
    from rich.console import Console

IMAGES, TEXTS, SOUNDS = "builtin/image-tiny", "builtin/text-tiny", "builtin/audio-tiny"
SERIES = "builtin/series-tiny"
KINDS = ("digits", "text", "audio", "series", "ratings")
LABELS_A_CLASS = 10
BUDGET = 20.0
"""Seconds for the network from random weights: the demo should end while somebody watches."""


def demo(kind: str = "digits", out: str | Path | None = None, *, console: Console | None = None) -> Model:
    """Adapts a source to a small task that is on every machine, and proves it on the rest.

    Args:
        kind: "digits" (scikit-learn's handwritten digits), "text" (sentences of Python's own documentation by their
            subject), "audio" (songs of birds that do not exist, from formulas), "series" (visitors of museums that do
            not exist, by the hour) or "ratings" (made-up people, films and books).
        out: folder of the run; `runs/demo` or `runs/demo-KIND` when not given.
    """
    from headstart.core.registry import suggest

    if kind not in KINDS:
        raise RunError(f"There is no demo '{kind}'. {suggest(kind, KINDS)}")
    folder = Path(out) if out is not None else Path("runs") / ("demo" if kind == "digits" else f"demo-{kind}")
    if folder.exists() and any(folder.iterdir()):
        raise RunError(f"{folder} exists already. Choose another name with --out.")
    ways = {"digits": _digits, "text": _texts, "audio": _sounds, "series": _series, "ratings": _ratings}
    try:
        return ways[kind](folder, console)
    except KeyboardInterrupt:  # it takes seconds and its data is in memory, so it begins anew rather than goes on
        shutil.rmtree(folder, ignore_errors=True)
        raise KeyboardInterrupt from None


def _digits(folder: Path, console: Console | None) -> Model:
    pictures, labels = digits()
    table = few_labels(pictures, [str(label) for label in labels])
    _say(console, "Handwritten digits", table, f"{IMAGES}, which has seen photos of things and animals, no digits")
    # no views, since a mirrored digit is another one; every stage trains, since digits are far from photos
    strategy = Finetune(freeze="none", views=1, epochs=15)
    return adapt(table, source=IMAGES, strategy=strategy, baseline_budget=BUDGET, out=folder, console=console)


def _texts(folder: Path, console: Console | None) -> Model:
    from headstart.verbs.demo_texts import sentences

    table = few_labels(*sentences())
    _say(
        console,
        "Sentences of Python's documentation, by their subject",
        table,
        f"{TEXTS}, which has seen encyclopedia, medicine and stories, no programs",
    )
    return adapt(table, source=TEXTS, baseline_budget=BUDGET, out=folder, console=console)


def _sounds(folder: Path, console: Console | None) -> Model:
    from headstart.verbs.demo_sounds import songs

    table = few_labels(*songs())
    _say(console, "Songs of birds that do not exist", table, f"{SOUNDS}, which has heard words and noises, no birds")
    return adapt(table, source=SOUNDS, baseline_budget=BUDGET, out=folder, console=console)


def _series(folder: Path, console: Console | None) -> Model:
    from headstart.verbs.demo_series import write_museums

    table = write_museums(folder.with_suffix(".csv"))
    if console is not None:
        console.print(
            f"Visitors of eight museums that do not exist, by the hour, for three weeks, in {table}: the next day is "
            f"to be told. The source is {SERIES}, which has seen sales, rates and formulas, no museums.",
            soft_wrap=True,
        )
    model = adapt(
        table,
        source=SERIES,
        task="forecasting",
        time="hour",
        horizon=24,
        baseline_budget=BUDGET,
        out=folder,
        console=console,
    )
    if console is not None:
        console.print(f"What comes next: headstart predict {folder} {table}", soft_wrap=True)
    return model


def _ratings(folder: Path, console: Console | None) -> Model:
    from headstart.receipt import words
    from headstart.verbs.demo_ratings import world
    from headstart.verbs.recommend import recommend
    from headstart.verbs.untaught_behaviour import from_nothing

    made = folder.with_name(f"{folder.name}-world")
    kinds = world(made)
    (films, of_films), (books, of_books) = kinds["films"], kinds["books"]
    if console is not None:
        console.print(
            f"People, films and books that are made up, in {made}: what is measured here shows how this works, not how "
            "much it helps elsewhere. First a source learns what people of films go on to, then it meets books."
        )
    source = made / "source"
    if not is_finished(source):
        for left in made.glob("source*"):  # of a demo that was stopped
            shutil.rmtree(left)
        from_nothing(films, out=source, items=of_films, epochs=15)
    model = adapt(
        books, task="recommendation", items=of_books, source=source, baseline_budget=BUDGET, out=folder, console=console
    )
    if console is not None:
        found = recommend(model, "reader7", count=3)
        console.print("\nWhat to show reader7, and why (headstart predict RUN --user reader7 --top 3):")
        for one in found.items:
            reasons = words.titles([found.titles[reason] for reason in one.because])
            console.print(f"  {one.title}, because of: {reasons}", markup=False)
    return model


def few_labels(contents: Sequence[Any], labels: Sequence[str]) -> Table:
    """A table whose training part has `LABELS_A_CLASS` examples of each class; all others are for the test."""
    import pyarrow as pa

    from headstart.data.read import read

    names = np.array(labels)
    parts = np.full(len(names), "test", dtype=object)
    generator = np.random.default_rng(0)
    for label in np.unique(names):
        parts[generator.permutation(np.flatnonzero(names == label))[:LABELS_A_CLASS]] = "train"
    return read((contents, list(labels))).with_column("split", pa.array(parts.tolist()))


def _say(console: Console | None, what: str, table: Table, source: str) -> None:
    if console is not None:
        tested = table.strings("split").count("test")
        console.print(
            f"{what}: {LABELS_A_CLASS} labels a class to learn from, {tested} to test on. The source is {source}."
        )


def digits() -> tuple[list[NDArray[np.uint8]], NDArray[np.int64]]:
    """scikit-learn's digits: 1 797 grayscale pictures (8, 8) of uint8, enlarged four times, and their labels."""
    from sklearn.datasets import load_digits

    data = load_digits()
    pictures = np.round(data.images * (255 / 16)).astype(np.uint8)
    return [np.kron(picture, np.ones((4, 4), dtype=np.uint8)) for picture in pictures], data.target
