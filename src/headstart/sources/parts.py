"""Examples that are several rows of a batch: which rows belong to which example, and the first few of them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from headstart.core.ragged import filled
from headstart.sources.inputs import ROWS, Inputs


def rows_of(counts: Sequence[int]) -> NDArray[np.int32]:
    """(N, R): the rows of examples that have so many each, one after another; -1 fills up."""
    starts = np.cumsum([0, *counts])
    return filled([np.arange(start, end) for start, end in itertools.pairwise(starts)], max(counts), -1)


def first_rows(batch: Inputs, count: int) -> Inputs:
    """The first `count` examples of a batch whose examples are rows."""
    where = batch[ROWS][:count]
    rows = int(where.max()) + 1
    return {name: where if name == ROWS else values[:rows] for name, values in batch.items()}
