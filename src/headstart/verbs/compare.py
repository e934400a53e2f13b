"""Receipts side by side, with paired intervals on the test items that runs share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from headstart.core.errors import RunError

if TYPE_CHECKING:
    from headstart.receipt.comparison import Comparison


def compare(folders: Sequence[str | Path]) -> Comparison:
    """Compares two or more runs.

    Raises:
        RunError: a run whose receipt or predictions are missing or changed.
        DataError: the runs share no test items, or answer different tasks.
    """
    import pyarrow.parquet as parquet

    from headstart.receipt import comparison
    from headstart.verbs import artefact
    from headstart.verbs.model import load

    if len(folders) < 2:
        raise RunError("Give two or more runs to compare.")
    found = []
    for folder in folders:
        run = load(folder)
        path = artefact.sealed(run.folder, "predictions.parquet")
        found.append((run.folder.name, run.receipt, parquet.read_table(path)))
    return comparison.compare(found)
