"""Tables, quarantine and one-sentence mistakes on the screen."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from headstart.data.table import Quarantined

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
    for item in items[:20]:
        print(f"Set aside: {item.id}: {item.reason}", file=sys.stderr)
    if len(items) > 20:
        print(f"… and {len(items) - 20} more set aside", file=sys.stderr)
