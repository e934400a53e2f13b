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


def embed(
    contents: Any,
    *,
    source: str | Path | Source | None = None,
    stages: Sequence[str] = (),
    label: str | None = None,
    content: str | None = None,
) -> pa.Table:
    """Pooled features as a table: `id`, `label` where folders or `label` tell it, and a column of lists for each stage.

    Features come from the bank, and what it lacks is kept there.

    Args:
        source: the builtin one for the contents when not given.
        stages: names of stages; the last one when none are given.
        label, content: names of columns of a table file, to keep and to read.
    """
    import pyarrow as pa

    from headstart.bank import Bank, features_of
    from headstart.data import checks
    from headstart.data.read import read
    from headstart.data.table import LABEL, Examples
    from headstart.sources.builtin import usual
    from headstart.sources.points import Point

    given: dict[str, Any] = {"label": label, "content": content, "labelled": label is not None}
    if source is None:
        table = read(contents, **given)
        opened = open_source(usual(table.modality))
    else:
        opened = open_source(source)
        table = read(contents, **given, modality=opened.description.modality)
    wanted = tuple(stages) or (opened.stages[-1].name,)
    for stage in wanted:
        opened.description.stage(stage)
    bank = Bank(settings.current().bank)
    usable = checks.check(table, bank.facts(table.modality))
    examples = Examples(usable.table, np.arange(len(usable.table)), usable.keys)
    found = features_of(bank, opened, examples, [Point(stage) for stage in wanted])
    columns = {"id": usable.table.column("id").combine_chunks()}
    for name in usable.table.labels or (LABEL,):
        if usable.table.has(name):
            columns[name] = usable.table.column(name).combine_chunks()
    for stage in wanted:
        values = found.at[Point(stage)]
        columns[f"features {stage}" if stages else "features"] = pa.FixedSizeListArray.from_arrays(
            pa.array(values.reshape(-1)), values.shape[1]
        )
    return pa.table(columns)
