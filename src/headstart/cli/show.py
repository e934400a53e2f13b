"""Tables, quarantine and one-sentence mistakes on the screen."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from headstart.data.table import Quarantined
    from headstart.verbs.evaluate import Evaluation
    from headstart.verbs.recommend import Recommendations

WIDE = 10_000
"""Letters; wider than any table."""


def console() -> Console:
    from rich.console import Console

    return Console(highlight=False)


def show_table(title: str, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """A table whose first column, the names, is never broken; in a pipe or file every row is one line."""
    from rich.markup import escape
    from rich.table import Table
    from rich.text import Text

    screen = console()
    if title:
        screen.print(Text(title, style="bold"), soft_wrap=True)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", show_edge=False)
    for place, name in enumerate(columns):
        table.add_column(name, overflow="fold", no_wrap=place == 0)
    for row in rows:
        table.add_row(*map(escape, row))
    if not screen.is_terminal:
        screen.width = WIDE
        screen.width = screen.measure(table).maximum
    screen.print(table)


def show_quarantine(items: tuple[Quarantined, ...]) -> None:
    """What was set aside goes to standard error, so that it does not mix with results."""
    _beside([f"Set aside: {item.id}: {item.reason}" for item in items], "set aside")


def show_notes(notes: Iterable[str]) -> None:
    """Each once, on standard error."""
    _beside([f"Note: {note}" for note in dict.fromkeys(notes)], "notes")


def _beside(lines: Sequence[str], what: str) -> None:
    for line in lines[:20]:
        print(line, file=sys.stderr)
    if len(lines) > 20:
        print(f"… and {len(lines) - 20} more {what}", file=sys.stderr)


def show_recommendations(found: Sequence[Recommendations]) -> None:
    """Items from the best down, with the reasons by their titles; whose they are where there are several users."""
    from headstart.receipt import words

    rows = [
        (one.user, str(place), item.id, item.title, words.titles([one.titles[reason] for reason in item.because]))
        for one in found
        for place, item in enumerate(one.items, 1)
    ]
    columns, first = ("user", "", "item", "title", "because of"), int(len(found) == 1)
    show_table("", columns[first:], [row[first:] for row in rows])


def show_evaluation(title: str, found: Evaluation) -> None:
    """Every metric with its interval, and what was lost against the run's own test."""
    from headstart.receipt import words
    from headstart.receipt.document import Range

    ranges = {measure: Range.of(found.metrics[measure.name]) for measure in found.measures}
    rows = [
        (words.heading(measure), words.amount(one.value, measure), words.bounds(one, measure))
        for measure, one in ranges.items()
    ]
    show_table(f"{title}: {words.count(found.items, found.noun)}", ("", "value", "95 % interval"), rows)
    if found.lost is not None:
        print(_lost(found))
    show_notes(found.notes)
    show_quarantine(found.quarantine)


def show_drift(title: str, found: Mapping[str, Evaluation]) -> None:
    """Several targets side by side: the metric that decides, and its distance to the run's own test."""
    from headstart.measure.intervals import Interval
    from headstart.receipt import words
    from headstart.receipt.document import Range

    rows = []
    for target, one in found.items():
        cells = [words.amount(one.metrics[one.primary].value, one.deciding), "", ""]
        if one.lost is not None:
            gain = Range.of(Interval(-one.lost.value, -one.lost.high, -one.lost.low, one.lost.level))
            cells[1:] = words.signed(gain.value, one.deciding), words.bounds(gain, one.deciding)
        rows.append((words.named(target), str(one.items), *cells))
    first = next(iter(found.values()))
    columns = ("target", first.noun, first.deciding.title, "against its own test", "95 % interval")
    show_table(f"\n{title}", columns, rows)


def _lost(found: Evaluation) -> str:
    """One sentence on the change from the run's own test to this target."""
    from headstart.receipt import words
    from headstart.receipt.document import Range

    assert found.lost is not None
    change = words.difference(found.lost.value, found.deciding)
    how = f"{change} {'less' if found.lost.value > 0 else 'more'} than" if found.lost.value else "The same as"
    bounds = words.bounds(Range.of(found.lost), found.deciding)
    sure = "" if found.lost.low > 0 or found.lost.high < 0 else "; that may be chance"
    doubt = f"95 % interval of the loss: {bounds}{sure}" if bounds else f"too few {found.noun} for an interval"
    return f"{how} on the run's own test ({doubt})."
