"""The answers taken apart, against scikit-learn's and a count by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from sklearn.metrics import precision_recall_fscore_support
from tests.receipt.evidence import evidence, hidden_targets, multilabel_evidence, regression_evidence

from headstart.receipt.assemble import prove

LENGTHS = ("over 1024 words", "up to 16 words", "17 to 64 words")


def test_labels_fare_as_scikit_learn_says() -> None:
    given = evidence(adapted=0.8)
    truth, answers = hidden_targets(given.splits, given.task), given.arms[0].scores.argmax(axis=1)
    expected = precision_recall_fscore_support(truth, answers)
    rows = prove(given).receipt.by_label
    assert [row.name for row in rows] == list(given.task.labels)
    for place, row in enumerate(rows):
        found = [row.precision.value, row.recall.value, row.f1.value, row.count]
        assert found == pytest.approx([part[place] for part in expected])
        assert (row.f1.low or 0) < (row.f1.value or 0) < (row.f1.high or 0)


def test_resamples_without_a_label_say_nothing_of_it() -> None:
    blocks = [k // 40 for k in range(960)]
    given = evidence(adapted=1.0, labels=["abc"[block % 3] for block in blocks], groups=[f"day {k}" for k in blocks])
    rows = prove(given).receipt.by_label
    assert [(row.f1.low, row.f1.value, row.f1.high) for row in rows] == [(1.0, 1.0, 1.0)] * 3


def test_several_labels_an_example_are_counted_by_label() -> None:
    given = multilabel_evidence()
    truth, answers = hidden_targets(given.splits, given.task), given.arms[0].scores > 0
    expected = precision_recall_fscore_support(truth, answers, zero_division=0)
    found = [(row.f1.value, row.count) for row in prove(given).receipt.by_label]
    assert np.array(found) == pytest.approx(np.array([expected[2], expected[3]]).T)


def test_numbers_have_no_labels() -> None:
    assert prove(regression_evidence()).receipt.by_label == []


def test_examples_of_one_property_are_judged_apart_from_short_to_long() -> None:
    given = evidence(adapted=0.8)
    rows = len(given.checked.table)
    values = [LENGTHS[min(row % 4, 2)] if row % 160 else "" for row in range(rows)]  # some are not known
    rare = [*values[:-4], *["257 to 1024 words"] * 4]
    checked = dataclasses.replace(given.checked, properties={"length": rare})
    found = prove(dataclasses.replace(given, checked=checked)).receipt.by_property
    assert [row.value for row in found] == ["up to 16 words", "17 to 64 words", "over 1024 words"]
    test = given.splits.test.examples.indices
    right = given.arms[0].scores.argmax(axis=1) == hidden_targets(given.splits, given.task)
    for row in found:
        here = np.array([rare[place] == row.value for place in test])
        assert row.count == here.sum()
        assert row.metric.value == pytest.approx(right[here].mean())


def test_a_property_that_all_share_tells_nothing() -> None:
    given = evidence()
    checked = dataclasses.replace(given.checked, properties={"length": [LENGTHS[0]] * len(given.checked.table)})
    assert prove(dataclasses.replace(given, checked=checked)).receipt.by_property == []
