"""What a recommendation depended on: the items of a history without which it would stand lower."""

from __future__ import annotations

from collections.abc import Sequence

from headstart.data.contents import Contents
from headstart.data.modalities.interactions import SHOWN, Interactions
from headstart.receipt.evidence import Evidence
from headstart.receipt.exhibits import Exhibit

LISTED = 3
"""Items of each ranking that are shown."""


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
        lines = [f"Met last: {', '.join(source.thing(one) for one in history.items[-SHOWN:]) or 'nothing'}."]
        for place, one in enumerate(source.recommend(content, LISTED), 1):
            reasons = f", because of {' and '.join(map(source.thing, one.because))}" if one.because else ""
            lines.append(f"{place}. {source.thing(one.id)}{reasons}.")
        shown.append((f"user {history.user}", "\n".join(lines)))
    return shown
