"""Near duplicates by thumbnail: the same picture resized, recompressed or slightly brightened."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CORRELATION = 0.995
"""Least correlation of two thumbnails of one picture."""
DIFFERENCE = 12.0
"""Largest root mean square difference of their values, in grey levels of 255 (it bounds the mean absolute
one)."""
CONTRAST = 3.0
"""Thumbnails with a smaller standard deviation, in grey levels, are nearly blank and tell nothing."""
ALL_PAIRS = 30_000
"""Up to this many thumbnails every pair is compared; above, each with its nearest ones."""
_BLOCK = 256
_NEIGHBOURS = 16
_DIMENSIONS = 16


def clusters(keys: list[str], thumbnails: dict[str, NDArray[np.uint8]]) -> NDArray[np.int64]:
    """Cluster number (N,) of each content: equal for exact and near duplicates.

    Args:
        keys: content digests of the N items; equal ones are exact duplicates.
        thumbnails: by digest, (M,) each; contents without one are compared exactly only.
    """
    unique = sorted(set(keys))
    number = {key: place for place, key in enumerate(unique)}
    seen = [key for key in unique if key in thumbnails and thumbnails[key].std() >= CONTRAST]
    nodes = np.array([number[key] for key in seen], np.int64)
    labels = np.arange(len(unique))
    if len(seen) > 1:
        first, second = near_pairs(np.stack([thumbnails[key] for key in seen]))
        labels = components(len(unique), nodes[first], nodes[second])
    return labels[[number[key] for key in keys]].astype(np.int64)


def near_pairs(thumbnails: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs (first, second) of rows that are near duplicates, or links of the same connected components.

    Two thumbnails (M,) are near when their correlation is at least `CORRELATION` and the root mean square of
    their difference at most `DIFFERENCE`. Up to `ALL_PAIRS` rows every pair is compared in blocks, in memory
    of one block. Above, time would grow with the square: each row is compared with its 16 nearest in the
    space of the first 16 principal components (within the distance that the correlation allows, so that
    nothing nearer is passed over); a cluster may then fall apart only where a picture has more than 16 near
    look-alikes.
    """
    values = thumbnails.astype(np.float32)
    means, deviations = values.mean(axis=1), values.std(axis=1)
    values -= means[:, None]
    values /= deviations[:, None] * np.float32(np.sqrt(values.shape[1]))
    if len(values) <= ALL_PAIRS:
        return _all_pairs(values, means, deviations)
    return _nearest_pairs(values, means, deviations)


def components(count: int, first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.int64]:
    """Component number (count,) of each node in the graph of the links (first, second)."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    links = coo_matrix((np.ones(len(first), np.int8), (first, second)), shape=(count, count))
    return np.asarray(connected_components(links, directed=False)[1], np.int64)


Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]


def _all_pairs(values: NDArray[np.float32], means: NDArray[np.float32], deviations: NDArray[np.float32]) -> Pairs:
    count = len(values)
    first, second = np.empty(0, np.int64), np.empty(0, np.int64)
    for start in range(0, count, _BLOCK):
        stop = min(start + _BLOCK, count)
        correlation = values[start:stop] @ values[start:].T
        rows, columns = np.nonzero(correlation >= CORRELATION)
        later = columns > rows
        rows, columns = rows[later] + start, columns[later] + start
        near = _close(correlation[rows - start, columns - start], means, deviations, rows, columns)
        first, second = np.concatenate([first, rows[near]]), np.concatenate([second, columns[near]])
        if len(first) > 4 * count:
            first, second = _thinned(count, first, second)
    return first, second


def _nearest_pairs(values: NDArray[np.float32], means: NDArray[np.float32], deviations: NDArray[np.float32]) -> Pairs:
    from scipy.spatial import cKDTree

    covariance = values.T @ values
    _, directions = np.linalg.eigh(covariance.astype(np.float64))
    projected = values @ directions[:, -_DIMENSIONS:]
    radius = float(np.sqrt(2 * (1 - CORRELATION)))
    tree = cKDTree(projected)
    _, neighbours = tree.query(projected, k=_NEIGHBOURS + 1, distance_upper_bound=radius, workers=-1)
    rows, places = np.nonzero(neighbours < len(values))
    columns = neighbours[rows, places]
    later = rows != columns
    rows, columns = rows[later], columns[later]
    found = np.zeros(len(rows), bool)
    for start in range(0, len(rows), 65_536):
        part = slice(start, start + 65_536)
        correlation = np.einsum("nm,nm->n", values[rows[part]], values[columns[part]])
        close = _close(correlation, means, deviations, rows[part], columns[part])
        found[part] = close & (correlation >= CORRELATION)
    return rows[found], columns[found]


def _close(
    correlation: NDArray[np.float32],
    means: NDArray[np.float32],
    deviations: NDArray[np.float32],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Whether the root mean square difference of the values, which follows from the moments, is small
    enough."""
    square = (
        (means[rows] - means[columns]) ** 2
        + deviations[rows] ** 2
        + deviations[columns] ** 2
        - 2 * correlation * deviations[rows] * deviations[columns]
    )
    return np.asarray(square <= DIFFERENCE**2)


def _thinned(count: int, first: NDArray[np.int64], second: NDArray[np.int64]) -> Pairs:
    """Fewer links with the same components: each node with the first of its component."""
    labels = components(count, first, second)
    _, heads = np.unique(labels, return_index=True)
    nodes = np.flatnonzero(heads[labels] != np.arange(count))
    return heads[labels[nodes]].astype(np.int64), nodes.astype(np.int64)
