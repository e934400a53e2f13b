"""Columns of numbers, and where they are none."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from headstart.core.errors import DataError


def floats(column: pa.ChunkedArray, name: str, origin: str) -> NDArray[np.float64]:
    """(N,), nan where a value is missing.

    Raises:
        DataError: one is no number, or infinite; the message names the row, from 1.
    """
    try:
        values = np.array(column.cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)
    except pa.ArrowException:
        raise DataError(
            f"The column '{name}' of {origin} {instead(column)}, which is no number. Write one there, or leave it "
            "empty where the value is missing."
        ) from None
    if np.isinf(values).any():
        row = int(np.flatnonzero(np.isinf(values))[0]) + 1
        raise DataError(f"The column '{name}' of {origin} has an infinite value in row {row}. Leave it empty instead.")
    return values


def instead(column: pa.ChunkedArray) -> str:
    """What a column holds instead of numbers, where it first does."""
    if column.null_count == len(column):
        return "is empty"
    for row, value in enumerate(column.to_pylist(), 1):
        try:
            float(value if value is not None else "nan")
        except (TypeError, ValueError):
            return f"has {str(value)!r} in row {row}"
    return f"holds {column.type}"
