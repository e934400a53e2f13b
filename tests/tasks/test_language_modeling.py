"""Predicting texts piece by piece: losses, measures and the counting baseline against plain NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from headstart.tasks import tasks, use

RANDOM = np.random.default_rng(0)
LOGITS = RANDOM.normal(size=(3, 5, 7))
WANTED = np.array([[1, 2, 3, -100, -100], [6, 0, -100, -100, -100], [4, 4, 4, 4, 5]])
LETTERS = [12.0, 5.0, 20.0]


def losses() -> list[np.ndarray]:
    logs = LOGITS - np.log(np.exp(LOGITS).sum(axis=2, keepdims=True))
    return [-logs[row, wanted >= 0, wanted[wanted >= 0]] for row, wanted in enumerate(WANTED)]


@pytest.mark.parametrize("kind", ["language-modeling", "masked-language-modeling"])
def test_measures_are_ratios_of_sums_over_the_texts(kind: str) -> None:
    task = tasks.get(kind).from_labels("characters", LETTERS)
    assert use(task.describe()) == task and not task.labelled
    outputs = task.read(torch.from_numpy(LOGITS), {"labels": torch.from_numpy(WANTED)})
    scores = outputs.double().numpy()
    assert np.allclose(scores, [[one.sum(), len(one)] for one in losses()], rtol=1e-5)
    assert float(task.loss(outputs, torch.zeros(3)).mean()) == pytest.approx(np.concatenate(losses()).mean(), rel=1e-5)

    predictions = task.decode(scores)
    assert predictions.answers == pytest.approx([np.exp(one.mean()) for one in losses()], rel=1e-5)
    found = {metric.name: metric for metric in task.metrics(predictions, task.encode(LETTERS))}
    weights = np.array([[1.0, 1, 1], [2, 0, 1]])
    for weight, values in zip(
        weights, zip(*(one.statistic(weights) for one in found.values()), strict=True), strict=True
    ):
        drawn = np.concatenate([one for one, times in zip(losses(), weight, strict=True) for _ in range(int(times))])
        expected = [-drawn.mean(), np.exp(drawn.mean()), drawn.sum() / np.log(2) / (weight @ LETTERS)]
        assert np.allclose(values, expected[: len(found)], rtol=1e-5)
    assert task.metric(predictions, task.encode(LETTERS)).greater_is_better
    assert ("bits_per_character" in found) == (kind == "language-modeling")


def test_counting_pieces_knows_pieces_that_training_had_not() -> None:
    task = tasks.get("language-modeling").from_labels("characters", LETTERS)
    known = [{"labels": np.array([0, 0, 1, -100])}]
    (unigram,) = task.baselines_of(task.encode(LETTERS[:1]), known)
    scores = unigram.answer([{"labels": np.array([0, 9, -100])}, {"labels": np.array([1, -100])}], 2)
    assert np.allclose(scores, [[-np.log(3 / 6) - np.log(1 / 6), 2], [-np.log(2 / 6), 1]])
