"""What the transfer saves in labels."""

from __future__ import annotations

import math

import pytest

from headstart.measure.intervals import Interval
from headstart.receipt.document import Measure
from headstart.receipt.labels import crossing, efficiency

ACCURACY = Measure(name="accuracy", title="Accuracy", greater_is_better=True, is_share=True)


def curve(*points: tuple[int, float]) -> list[tuple[int, Interval]]:
    return [(labels, Interval(value, value - 0.05, value + 0.05)) for labels, value in points]


def test_the_crossing_is_linear_in_the_logarithm_of_labels() -> None:
    assert crossing(curve((10, 0.5), (1000, 0.9)), 0.7) == 100  # half-way up, half-way in the logarithm
    assert crossing(curve((10, 0.5), (100, 0.7), (1000, 0.9)), 0.7) == 100


def test_the_first_crossing_counts() -> None:
    assert crossing(curve((10, 0.5), (100, 0.8), (200, 0.6), (400, 0.9)), 0.8) == 100


def test_worth_is_what_is_saved() -> None:
    found = efficiency(curve((10, 0.5), (1000, 0.9)), "head", 0.7, ACCURACY, 5)
    assert (found.reaches_with, found.worth) == (100, 900)
    assert found.sentence is not None and "about 900 labels" in found.sentence and "interpolated" in found.sentence


def test_even_the_smallest_budget_may_exceed_scratch() -> None:
    found = efficiency(curve((20, 0.8), (400, 0.9)), "head", 0.7, ACCURACY, 4)
    assert (found.reaches_with, found.worth) == (20, 380)
    assert found.sentence is not None and "even 5 labels a class (20 in all)" in found.sentence


def test_labels_that_classes_do_not_share_evenly_are_so_called() -> None:
    found = efficiency(curve((15, 0.8), (16, 0.9)), "head", 0.7, ACCURACY, 6)
    assert found.sentence is not None and "even 15 labels (2 or 3 a class)" in found.sentence
    assert found.sentence.endswith("worth at least 1 label.")


def test_a_curve_that_stays_below_saves_nothing() -> None:
    found = efficiency(curve((20, 0.5), (400, 0.6)), "head", 0.7, ACCURACY, 4)
    assert found.worth is None and found.sentence is not None and "no labels are saved" in found.sentence


def test_where_scratch_learned_nothing_no_labels_are_counted() -> None:
    found = efficiency(curve((20, 0.5), (400, 0.6)), "head", 0.5, ACCURACY, 2, floor=0.5)
    assert found.worth is None and found.reaches_with is None
    assert found.sentence is not None and "nothing was learned" in found.sentence
    assert efficiency(curve((20, 0.5), (400, 0.6)), "head", 0.55, ACCURACY, 2, floor=0.5).worth is not None


@pytest.mark.parametrize("scratch", [None, math.nan])
def test_without_scratch_nothing_is_said(scratch: float | None) -> None:
    found = efficiency(curve((20, 0.5), (400, 0.6)), "head", scratch, ACCURACY, 4)
    assert found.worth is None and found.sentence is None and len(found.points) == 2
