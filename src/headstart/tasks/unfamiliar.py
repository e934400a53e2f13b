"""A second sign of an anomaly, beside a wrong forecast: a past unlike those that were learned from. Forecasts miss what
goes on evenly, such as another rhythm, and features miss a single odd value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.measure.linear import FloatArray
from headstart.measure.mahalanobis import lengths, whitened

SPANS = 5
"""Of what is learned from: each is as long as the usual validation part."""
FEWEST = 20
"""Examples of a span below which nothing is said of what is usual."""


@dataclass(frozen=True)
class Unfamiliar:
    """Distances in the space of features, as the length of further scores. Units are those of forecasts, whose distance
    grows smaller by `factor`: of the two the greater counts, and 1 is still where the farthest normal example lies."""

    weight: FloatArray
    """(D, K)"""
    bias: FloatArray
    """(K,)"""
    factor: float


def unfamiliar(features: NDArray[Any], apart: FloatArray) -> Unfamiliar | None:
    """What tells pasts that are unlike `features` (N, D), in the order of time; None where that would be a less stable
    sign than the forecasts, by the spans of time that are learned from.

    Each span is told from those that are not next to it, whose windows overlap with its own. A sign is the more stable
    the less the farthest example of the worst span exceeds that of the usual one.

    Args:
        apart: (N,) how far they lie from their forecasts, likewise told, 1 being where the farthest of the usual span
            does.
    """
    spans = np.array_split(np.arange(len(features)), SPANS)
    if len(spans[-1]) < FEWEST:
        return None
    told = np.concatenate([_told(features, spans, place) for place in range(SPANS)])
    unit = usual(told)
    if worst(told) > worst(apart):
        return None
    factor = usual(np.maximum(told / unit, apart))
    weight, bias = whitened(features)
    return Unfamiliar(weight / (unit * factor), bias / (unit * factor), factor)


def usual(distances: FloatArray) -> float:
    """That of the farthest example of a span, the median of the spans: one odd stretch does not hide others."""
    return float(np.median(_farthest(distances)))


def worst(distances: FloatArray) -> float:
    """By how much the farthest of all exceeds that."""
    farthest = _farthest(distances)
    return float(farthest.max() / np.median(farthest))


def _farthest(distances: FloatArray) -> FloatArray:
    return np.array([span.max() for span in np.array_split(distances, min(SPANS, len(distances)))])


def _told(features: NDArray[Any], spans: list[NDArray[np.int64]], place: int) -> FloatArray:
    others = np.concatenate([span for other, span in enumerate(spans) if abs(other - place) > 1])
    return lengths(features[spans[place]], *whitened(features[others]))
