"""Features of any contents, for use elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core import settings
from headstart.sources import Source, open_source

if TYPE_CHECKING:
    import pyarrow as pa


def embed(contents: Any, *, source: str | Path | Source, stages: Sequence[str] = ()) -> pa.Table:
    """Pooled features as a table: `id`, `label` where it is known, and a column of lists for each stage.

    Features come from the bank, and what it lacks is kept there.

    Args:
        stages: names of stages; the last one when none are given.
    """
    import pyarrow as pa

    from headstart.bank import Bank, features_of
    from headstart.data import checks
    from headstart.data.read import read
    from headstart.data.table import LABEL, Examples
    from headstart.sources.points import Point

    opened = open_source(source)
    wanted = tuple(stages) or (opened.stages[-1].name,)
    for stage in wanted:
        opened.description.stage(stage)
    bank = Bank(settings.current().bank)
    table = read(contents, labelled=False, modality=opened.description.modality)
    usable = checks.check(table, bank.facts(table.modality))
    examples = Examples(usable.table, np.arange(len(usable.table)), usable.keys)
    found = features_of(bank, opened, examples, [Point(stage) for stage in wanted])
    columns = {"id": usable.table.column("id").combine_chunks()}
    if usable.table.has(LABEL):
        columns[LABEL] = usable.table.column(LABEL).combine_chunks()
    for stage in wanted:
        values = found.at[Point(stage)]
        columns[f"features {stage}" if stages else "features"] = pa.FixedSizeListArray.from_arrays(
            pa.array(values.reshape(-1)), values.shape[1]
        )
    return pa.table(columns)
