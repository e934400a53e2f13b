"""Precision, recall and F1 over all answers of all items together (micro), from counts of each item."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from headstart.measure.linear import FloatArray


@dataclass(frozen=True, eq=False)
class Ratio:
    """Sum over items of `above` (N,) over the sum of `below` (N,); 0 where there is nothing below, as seqeval has it.

    Items are what a bootstrap resamples: a sentence with all its spans, not a span."""

    above: FloatArray
    below: FloatArray

    def __call__(self, weights: FloatArray) -> FloatArray:
        above, below = weights @ self.above, weights @ self.below
        return np.asarray(np.divide(above, below, out=np.zeros_like(above), where=below > 0), np.float64)


def precision(right: FloatArray, given: FloatArray) -> Ratio:
    """Share of what was answered that is right."""
    return Ratio(right, given)


def recall(right: FloatArray, wanted: FloatArray) -> Ratio:
    """Share of what there is that was found."""
    return Ratio(right, wanted)


def f1(right: FloatArray, given: FloatArray, wanted: FloatArray) -> Ratio:
    """The harmonic mean of both, 2 right / (given + wanted)."""
    return Ratio(2 * right, given + wanted)
