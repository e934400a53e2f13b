"""The equal error rate: by hand, against a slow count, and with weights as copies of items."""

from __future__ import annotations

import numpy as np
import pytest

from headstart.measure.verification import EqualErrorRate


def slowly(features: np.ndarray, labels: np.ndarray) -> float:
    """The same from every threshold in turn."""
    even = features / np.linalg.norm(features, axis=1, keepdims=True)
    pairs = [(float(even[i] @ even[j]), labels[i] == labels[j]) for j in range(len(even)) for i in range(j)]
    alike, same = np.array([one for one, _ in pairs]), np.array([both for _, both in pairs])
    rates = [
        (abs(np.mean(alike[same] < limit) - np.mean(alike[~same] >= limit)),
         (np.mean(alike[same] < limit) + np.mean(alike[~same] >= limit)) / 2)
        for limit in alike
    ]  # fmt: skip
    return min(rates)[1]


def test_speakers_apart_are_never_confused() -> None:
    statistic = EqualErrorRate(np.repeat(np.eye(3), 4, axis=0) + 0.01, np.repeat(np.arange(3), 4))
    assert statistic(np.ones((1, 12)))[0] == 0


def test_it_is_the_slow_count_and_weights_are_copies() -> None:
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(5), 8)
    features = np.eye(5)[labels] + random.normal(0, 0.8, (40, 5))
    statistic = EqualErrorRate(features, labels)
    (found,) = statistic(np.ones((1, 40)))
    assert 0.05 < found < 0.5 and found == pytest.approx(slowly(features, labels), abs=0.01)
    chosen = np.flatnonzero(labels < 3)
    weights = (labels < 3).astype(float)[None]
    assert statistic(weights)[0] == pytest.approx(EqualErrorRate(features[chosen], labels[chosen])(np.ones((1, 24)))[0])
    assert np.isnan(statistic((labels == 0).astype(float)[None])[0])
