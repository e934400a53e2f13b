"""The receipt in a terminal: the verdict first, then what it rests on. Readable at 80 columns and without colour."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from headstart.engine.plan import Plan, Solve
from headstart.receipt import words
from headstart.receipt.comparison import Comparison
from headstart.receipt.document import ArmSection, Measure, Receipt, TrainableRow
from headstart.receipt.trainable import trainable_rows
from headstart.sources import Source

STYLES = {"helped": "bold green", "hurt": "bold red", "no evidence": "bold yellow"}
NAMED = 3
"""Examples that were set aside, with the reason; the page has all."""
FILES = (
    ("receipt.html", "the receipt as a page"),
    ("README.md", "the model card"),
    ("predictions.parquet", "every single test answer"),
)


def show(receipt: Receipt, console: Console, folder: Path | None = None) -> None:
    """Prints the receipt, and what lies in the run's `folder`."""
    console.print()
    _verdict(receipt, console)
    console.print(_arms_table(receipt, 2 if console.width < 100 else 3))
    for arm in receipt.arms:
        if arm.seeds:
            _paragraph(f"{arm.title}, {words.seeds(arm.seeds, receipt.primary)}.", console)
    if receipt.label_efficiency.sentence:
        _paragraph(receipt.label_efficiency.sentence, console)
    _paragraph(cost_line(receipt), console)
    for note in receipt.target.notes:
        _paragraph(f"Note: {note}", console)
    for warning in receipt.warnings:
        _paragraph(f"Warning: {warning}", console, style="yellow")
    if aside := receipt.target.quarantine:
        named = "; ".join(f"{one.id}: {one.reason}" for one in aside[:NAMED])
        more = f"; and {len(aside) - NAMED} more on the page" if len(aside) > NAMED else ""
        _paragraph(f"{words.count(len(aside), 'examples')} set aside: {named}{more}.", console)
    _files(receipt.run if folder is None else near(folder), console)


def trainable_table(plan: Plan, source: Source, console: Console, read: Sequence[str] = ()) -> None:
    """Prints what will train, before it does: each stage and head with its learning rate in every phase; and the
    columns that are read."""
    rows = trainable_rows(plan, source)
    console.print()
    reading = f", reading {words.listed(list(read))}" if read else ""
    console.print(Text(f"Plan: {plan.strategy} of {source.title}{reading}", style="bold"))
    console.print(_plan_table(rows, [phase.name for phase in plan.trainings]))
    _paragraph(_plan_sentence(plan, rows), console)


def compare_table(comparison: Comparison, console: Console) -> None:
    """Prints runs side by side; differences are against the first."""
    table = _table()
    table.add_column("", no_wrap=True)
    for run in comparison.runs:
        table.add_column(escape(run.name), justify="right", overflow="fold")
    for title, cells in _comparison_rows(comparison):
        table.add_row(title, *map(escape, cells), style="bold" if title == comparison.primary.title else "")
    console.print(table)
    items = words.count(comparison.items, f"shared test {comparison.noun}")
    _paragraph(f"On {items}, with paired intervals: one that holds 0 is no evidence of a difference.", console)
    for note in comparison.notes:
        _paragraph(note, console)


def _comparison_rows(comparison: Comparison) -> Iterable[tuple[str, list[str]]]:
    runs, primary = comparison.runs, comparison.primary
    yield "strategy", [run.strategy for run in runs]
    yield "source", [run.source for run in runs]
    yield "learned from", [f"{run.trained_on:,}" for run in runs]
    yield primary.title, [words.amount(run.metrics[primary.name].value, primary) for run in runs]
    yield "  95 % interval", [words.bounds(run.metrics[primary.name], primary) for run in runs]
    yield (
        "  gain over the first",
        ["" if run.difference is None else words.signed(run.difference.value, primary) for run in runs],
    )
    yield "  95 % interval", ["" if run.difference is None else words.bounds(run.difference, primary) for run in runs]
    for measure in comparison.measures:
        if measure.name != primary.name:
            yield words.heading(measure), [words.amount(run.metrics[measure.name].value, measure) for run in runs]
    yield "time", [words.duration(run.seconds) for run in runs]


def cost_line(receipt: Receipt) -> str:
    """One line of what the run used."""
    cost = receipt.cost
    passes = f"{words.short(cost.forward_passes)} forward and {words.short(cost.backward_passes)} backward passes"
    bank = f", {words.short(cost.from_bank)} from the bank" if cost.from_bank else ""
    return f"Cost: {words.duration(cost.seconds)}, {words.size(cost.peak_memory)} peak memory, {passes}{bank}."


def _verdict(receipt: Receipt, console: Console) -> None:
    """The sentence, its first words in the colour of the answer."""
    first, colon, rest = receipt.verdict.sentence.partition(":")
    console.print(Text.assemble((first + colon, STYLES[receipt.verdict.answer]), rest))


def _arms_table(receipt: Receipt, count: int) -> Table:
    """Arms as rows: the deciding metric with its interval, then more metrics, `count` in all."""
    measures = [receipt.primary, *(one for one in receipt.task.measures if one.name != receipt.primary.name)][:count]
    table = _table()
    table.add_column("", overflow="fold", min_width=16)
    table.add_column(measures[0].title, justify="right", min_width=8, max_width=14)
    table.add_column("95 % interval", justify="right", no_wrap=True)
    for measure in measures[1:]:
        table.add_column(words.heading(measure), justify="right", max_width=14)
    rows = [list(_arm_cells(arm, measures)) for arm in receipt.arms]
    longest = max(map(len, ("time", *(row[-1] for row in rows))))
    table.add_column("time", justify="right", no_wrap=True, min_width=longest)
    for arm, row in zip(receipt.arms, rows, strict=True):
        table.add_row(*row, style="bold" if arm is receipt.adapted else "")
    return table


def _arm_cells(arm: ArmSection, measures: Sequence[Measure]) -> Iterable[str]:
    primary = arm.metrics[measures[0].name]
    yield escape(arm.title)
    yield words.amount(primary.value, measures[0])
    yield words.bounds(primary, measures[0])
    for measure in measures[1:]:
        yield words.amount(arm.metrics[measure.name].value, measure)
    yield words.duration(arm.cost.seconds) if arm.cost and arm.cost.seconds else ""


def _plan_table(rows: Sequence[TrainableRow], phases: Sequence[str]) -> Table:
    table = _table()
    table.add_column("stage", overflow="fold", ratio=2)
    table.add_column("parameters", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for name in phases[:3]:
        table.add_column(f"rate, {escape(name)}", justify="right", ratio=1)
    for row in rows:
        name = f"head: {row.stage}" if row.is_head else row.stage
        rates = ["" if one.rate is None else f"{one.rate:.2g}" for one in row.rates[:3]]
        table.add_row(
            escape(name), words.short(row.parameters), row.how, *rates, style="dim" if row.how == "frozen" else ""
        )
    return table


def _plan_sentence(plan: Plan, rows: Sequence[TrainableRow]) -> str:
    total = sum(row.parameters for row in rows)
    moving = sum(row.parameters for row in rows if row.how != "frozen")
    solved = " The head is solved in closed form." if any(isinstance(phase, Solve) for phase in plan.phases) else ""
    return f"{words.short(moving)} of {words.short(total)} parameters are learned; the others stay as they are.{solved}"


def near(path: Path) -> str:
    """A path as a user would type it: from here when it lies below, in full otherwise."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _files(where: str, console: Console) -> None:
    console.print(Text(f"In {where}:", style="dim"))
    width = max(len(name) for name, _ in FILES)
    for name, meaning in FILES:
        console.print(Text(f"  {name:<{width}}  {meaning}", style="dim"))


def _table() -> Table:
    return Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", show_edge=False)


def _paragraph(text: str, console: Console, style: str = "") -> None:
    console.print(Text(text, style=style))
