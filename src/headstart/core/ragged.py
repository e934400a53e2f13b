"""Arrays of N examples that differ in length: object arrays (N,) whose entries are arrays (P, …).

What is computed place by place is computed on all places of all examples at once (T, …), and cut apart again.
Arrays whose examples are all alike pass through these functions as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def ragged(parts: Iterable[NDArray[Any]]) -> NDArray[Any]:
    """An object array (N,) of the arrays given."""
    listed = list(parts)
    found = np.empty(len(listed), object)
    for row, part in enumerate(listed):
        found[row] = part
    return found


def is_ragged(values: NDArray[Any]) -> bool:
    return values.dtype == object


def lengths(values: NDArray[Any]) -> NDArray[np.int64]:
    """How long each example is, (N,)."""
    return np.array([len(one) for one in values], np.int64)


def joined(values: NDArray[Any]) -> NDArray[Any]:
    """All places of all examples, (T, …), in order."""
    return np.concatenate(list(values)) if is_ragged(values) and len(values) else values


def parted(flat: NDArray[Any], counts: NDArray[np.int64]) -> NDArray[Any]:
    """What `joined` joined: the next `counts` (N,) places of `flat` (T, …) for each example."""
    return ragged(np.split(flat, np.cumsum(counts)[:-1]) if len(counts) else ())


def like(flat: NDArray[Any], values: NDArray[Any]) -> NDArray[Any]:
    """`flat`, computed from `joined(values)`, cut apart as `values` is."""
    return parted(flat, lengths(values)) if is_ragged(values) else flat


def beside(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """The columns of several arrays of the same examples side by side."""
    if not is_ragged(arrays[0]):
        return np.concatenate(arrays, axis=1)
    return ragged(np.concatenate(parts, axis=1) for parts in zip(*arrays, strict=True))


def as_arrow(values: NDArray[Any]) -> pa.Array:
    """Scores (N, K), or (N,) of (P, K), as lists of K numbers, or lists of such lists."""
    flat = np.ascontiguousarray(joined(values), dtype=np.float64)
    places = pa.FixedSizeListArray.from_arrays(pa.array(flat.ravel()), flat.shape[1])
    if not is_ragged(values):
        return places
    return pa.ListArray.from_arrays(pa.array(np.cumsum([0, *lengths(values)]), pa.int32()), places)


def from_arrow(column: pa.ChunkedArray | pa.Array) -> NDArray[Any]:
    """What `as_arrow` stored."""
    values = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if not pa.types.is_list(values.type):
        return np.asarray(values.flatten(), np.float64).reshape(len(values), -1)
    counts = np.asarray(values.value_lengths(), np.int64)
    places = values.flatten()
    return parted(np.asarray(places.flatten(), np.float64).reshape(len(places), -1), counts)


def filled(rows: Sequence[NDArray[Any]], length: int, fill: int) -> NDArray[np.int32]:
    """Rows of different lengths as one array (R, length)."""
    padded = np.full((len(rows), length), fill, np.int32)
    for number, row in enumerate(rows):
        padded[number, : len(row)] = row
    return padded
