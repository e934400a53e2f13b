"""Contents without labels, such as a corpus: cut into what the source takes, with their lengths to measure by."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from headstart.core.wording import counted
from headstart.data.contents import IN_MEMORY, Contents, Unreadable
from headstart.data.modalities import open_modality
from headstart.data.table import Table
from headstart.sources import Source

LENGTH = "characters"
"""Column with the number of letters of each text."""


def divided(table: Table, source: Source) -> Table:
    """Each content that is too long for the source as several rows, which belong to one group; others as they are."""
    contents = Contents(table)
    parts = [_parts(contents, row, source) for row in range(len(table))]
    if all(len(one) == 1 for one in parts):
        return table
    rows = np.repeat(np.arange(len(table)), [len(one) for one in parts])
    pieces = [part for one in parts for part in one]
    longest = len(str(max(map(len, parts))))
    ids = [
        table.column("id")[row].as_py() + (f" part {number:0{longest}d}" if len(one) > 1 else "")
        for row, one in enumerate(parts)
        for number in range(1, len(one) + 1)
    ]
    cut = Table(
        table.rows.take(pa.array(rows)), table.origin, table.modality, pieces, table.labels, table.quarantine,
        table.notes,
    )  # fmt: skip
    groups = cut.column("group") if table.has("group") else cut.column("id")
    new = {
        "id": ids,
        "path": [IN_MEMORY] * len(pieces),
        "member": [str(place) for place in range(len(pieces))],
        "group": groups,
    }
    for name, values in new.items():
        cut = cut.with_column(name, values)
    told = counted(sum(len(one) > 1 for one in parts), "text was", "texts were")
    return cut.with_notes(f"{told} cut into parts that the source takes.")


def _parts(contents: Contents, row: int, source: Source) -> list[Any]:
    try:
        content = contents.read(row)
        return source.divide(content) or [content]
    except Unreadable:
        return [None]  # set aside with its reason by the checks


def with_lengths(table: Table) -> Table:
    """With the number of letters of each text in the place of a label."""
    from dataclasses import replace

    contents, modality = Contents(table), open_modality(table.modality)

    def length(row: int) -> float:
        try:
            return float(len(str(modality.show(contents.read(row)))))
        except Unreadable:
            return 0.0

    lengths = pa.array([length(row) for row in range(len(table))], pa.float64())
    return replace(table.with_column(LENGTH, lengths), labels=(LENGTH,))
