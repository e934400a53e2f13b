"""Sums over many examples, block by block, against the plain formula; solving makes no copy of the examples."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from headstart.measure import rows
from headstart.measure.lda import fit_lda
from headstart.measure.ridge import fit_ridge
from headstart.measure.rows import Rows


@pytest.mark.parametrize("block", [1, 35, 1 << 20])
def test_blocks_change_nothing(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "BLOCK", block)
    random = np.random.default_rng(0)
    examples = random.normal(size=(23, 5)).astype(np.float32)
    centre, weights, matrix = random.normal(size=5), random.random(23), random.normal(size=(5, 3))
    points, centred = Rows(examples, centre), examples.astype(np.float64) - centre
    assert np.allclose(points.sums(weights), weights @ centred)
    assert np.allclose(points.sums(np.stack([weights] * 2, axis=1))[1], weights @ centred)
    assert np.allclose(points.scatter(weights), (centred * weights[:, None]).T @ centred)
    assert np.allclose(points.times(matrix), centred @ matrix)
    inverse = random.random((3, 2))
    assert np.allclose(points.energies(matrix, inverse), (centred @ matrix) ** 2 @ inverse)


@pytest.mark.parametrize(
    "fit",
    [
        lambda features, labels: fit_ridge(features, np.eye(3)[labels]),
        lambda features, labels: fit_lda(features, labels, 3),
    ],
    ids=["ridge", "lda"],
)
def test_memory_stays_below_a_copy_in_double_precision(fit: Callable[..., Any]) -> None:
    random = np.random.default_rng(0)
    features = random.normal(size=(40_000, 160)).astype(np.float32)
    labels = random.integers(0, 3, len(features))
    tracemalloc.start()
    fit(features, labels)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 * features.nbytes


@pytest.mark.parametrize(
    "fit",
    [
        lambda features, labels, **given: fit_ridge(features, np.eye(3)[labels], **given),
        lambda features, labels, **given: fit_lda(features, labels, 3, **given),
    ],
    ids=["ridge", "lda"],
)
def test_a_penalty_chosen_by_some_examples_gives_the_scores_of_all(fit: Callable[..., Any]) -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 400)
    features = (random.normal(size=(400, 12)) + np.eye(3, 12)[labels]).astype(np.float32)
    seen = []
    some = fit(features, labels, every=7, choose=lambda scores: float(seen.append(len(scores)) or -len(seen)))
    whole = fit(features, labels, penalties=[some.penalty])
    assert set(seen) == {58}
    assert np.allclose(some.left_out, whole.left_out, atol=1e-4)
    assert np.allclose(some.weight, whole.weight)
