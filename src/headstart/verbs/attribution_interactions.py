"""What a recommendation depended on: the items of a history without which it would stand lower."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from headstart.data.contents import Contents
from headstart.data.modalities.interactions import Interactions
from headstart.receipt import words
from headstart.receipt.evidence import Evidence
from headstart.receipt.exhibits import Exhibit
from headstart.sources import Source

LISTED, LAST, LETTERS = 3, 3, 30
"""Items of each ranking, and last ones of each history, that are shown, and letters of a title."""


def attributions(found: Evidence, ids: Sequence[str]) -> list[tuple[str, Exhibit]]:
    """(whose ranking, the ranked list with its reasons) for the test examples `ids`."""
    trained = found.outcome
    source = trained.source.with_weights(trained.weights) if trained.weights else trained.source
    test = found.splits.test.examples
    rows = {name: int(row) for name, row in zip(test.ids(), test.indices, strict=True)}
    contents = Contents(test.table)
    shown: list[tuple[str, Exhibit]] = []
    for name in ids:
        content = contents.read(rows[name])
        history = Interactions().decode(content)
        called = functools.partial(_short, source)
        lines = [f"Met last: {words.titles([called(one) for one in history.items[-LAST:]]) or 'nothing'}."]
        for place, one in enumerate(source.recommend(content, LISTED), 1):
            reasons = f", because of {called(one.because[0])}" if one.because else ""
            lines.append(f"{place}. {called(one.id)}{reasons}.")
        shown.append((f"user {history.user}", "\n".join(lines)))
    return shown


def _short(source: Source, name: str) -> str:
    title = source.thing(name)
    return title if len(title) <= LETTERS else f"{title[:LETTERS].rstrip()}…"
