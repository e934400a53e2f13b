"""Random convolutions: against a slow computation, and against what the literature measures with them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from headstart.data.modalities.convolutions import KERNELS, WIDTH, Convolutions

SETS = Path(os.environ.get("HEADSTART_MODELS", "")).parent / "data" / "series" / "classification"
PUBLISHED = {"GunPoint": 0.993, "BasicMotions": 1.0, "OSULeaf": 0.959}
"""Accuracy of MiniROCKET with ridge, by aeon."""


def slowly(convolutions: Convolutions, series: np.ndarray) -> np.ndarray:
    """The same shares, a filter, a threshold and a step at a time."""
    steps, found, thresholds = series.shape[1], [], iter(convolutions.thresholds)
    for place, (dilation, each) in enumerate(convolutions.dilations):
        for number, kernel in enumerate(KERNELS):
            channels = convolutions.summed(dilation)[number]
            whole = (series * channels[:, None]).sum(axis=0)
            given = np.zeros(steps)
            for step in range(steps):
                for tap in range(9):
                    there = step + (tap - 4) * dilation
                    given[step] += kernel[tap] * whole[there] if 0 <= there < steps else 0
            if (place + number) % 2:
                given = given[4 * dilation : steps - 4 * dilation]
            found += [np.mean(given > next(thresholds)) for _ in range(each)]
    return np.array(found)


@pytest.mark.parametrize("channels", [1, 3])
def test_features_equal_those_computed_slowly(channels: int) -> None:
    random = np.random.default_rng(0)
    convolutions = Convolutions.fitted([random.normal(size=(channels, 29)) for _ in range(4)])
    series = random.normal(size=(channels, 29))
    found = convolutions(series)
    assert found.shape == (WIDTH,) and len(convolutions.dilations) == 3
    assert np.mean(np.abs(found - slowly(convolutions, series)) > 1e-6) < 1e-4  # but for ties in rounding
    assert convolutions(series[:, ::2]).shape == (WIDTH,), "shorter ones are stretched"


def test_thresholds_are_quantiles_of_what_is_learned_from() -> None:
    series = np.random.default_rng(1).normal(size=(1, 100)).cumsum(axis=1)
    convolutions = Convolutions.fitted([series])
    (_, each), *_ = convolutions.dilations
    levels = np.arange(1, each + 1) * (1 + 5**0.5) / 2 % 1
    assert convolutions(series)[:each] == pytest.approx(1 - levels, abs=0.02)
    assert KERNELS.shape == (84, 9) and not KERNELS.sum(axis=1).any()
    assert Convolutions.fitted([series]).describe() == convolutions.describe()


@pytest.mark.skipif(not SETS.is_dir(), reason="no data/series/classification beside the folder HEADSTART_MODELS")
@pytest.mark.parametrize("name", PUBLISHED)
def test_kinds_are_told_as_well_as_is_published(name: str) -> None:
    from sklearn.linear_model import RidgeClassifierCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    with np.load(SETS / f"{name}.npz") as known:
        train, test = known["X_train"].astype(float), known["X_test"].astype(float)
        convolutions = Convolutions.fitted(list(train))
        features = [np.stack([convolutions(one) for one in part]) for part in (train, test)]
        model = make_pipeline(StandardScaler(with_mean=False), RidgeClassifierCV(alphas=np.logspace(-3, 3, 10)))
        right = model.fit(features[0], known["y_train"]).predict(features[1]) == known["y_test"]
    assert right.mean() > PUBLISHED[name] - 0.015
