"""Series as arrays: what X may be, and what becomes of it."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from contracts.series import shapes, write_patches
from headstart.learn import InputError, SourceFeatures, TransferClassifier


@pytest.fixture(scope="module")
def series_source(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_patches(tmp_path_factory.mktemp("patches") / "network"))


@pytest.mark.parametrize("channels", [1, 3])
def test_kinds_are_told_in_cross_validation_and_after_pickling(series_source: str, channels: int) -> None:
    X, y = shapes(60, 0, channels)
    new, kinds = shapes(30, 1, channels)
    X, new = (X[:, 0], new[:, 0]) if channels == 1 else (X, new)
    model = TransferClassifier(series_source)
    assert cross_val_score(model, X, y, cv=3).min() > 0.7
    fitted = clone(model).fit(X, y)
    assert fitted.score(new, kinds) > 0.7
    data = pickle.dumps(fitted)
    assert len(data) < 1_000_000, "convolutions are kept, the source is not"
    assert np.array_equal(pickle.loads(data).predict_proba(new), fitted.predict_proba(new))
    pipeline = make_pipeline(SourceFeatures(series_source), LogisticRegression(max_iter=500))
    assert cross_val_score(pipeline, X, y, cv=3).mean() > 0.5


def test_every_form_of_the_same_series_has_the_same_features(series_source: str, tmp_path: Path) -> None:
    X = shapes(12, 0)[0]
    paths = [str(tmp_path / f"{row}.npy") for row in range(len(X))]
    for path, values in zip(paths, X, strict=True):
        np.save(path, values)
    expected = SourceFeatures(series_source).fit_transform(X)
    forms = {"rows": X[:, 0], "lists": X[:, 0].tolist(), "arrays": list(X), "short": list(X[:, 0]), "files": paths}
    for form, given in forms.items():
        found = SourceFeatures(series_source).fit_transform(given)
        np.testing.assert_allclose(found, expected, atol=1e-5, err_msg=form)


def test_lengths_may_differ_and_values_be_missing(series_source: str) -> None:
    X, y = shapes(60, 0)
    X[::7, :, 3:6] = np.nan
    assert TransferClassifier(series_source).fit(X, y).score(X, y) > 0.7
    cut = [values[0, : 30 + row % 10] for row, values in enumerate(X)]
    assert TransferClassifier(series_source).fit(cut, y).score(cut, y) > 0.7


def test_a_saved_one_is_opened_again(series_source: str, tmp_path: Path) -> None:
    X, y = shapes(60, 0)
    model = TransferClassifier(series_source).fit(X[:, 0], y)
    saved = model.save(tmp_path / "run")
    assert saved.predict(list(X[:, 0])) == model.predict(X[:, 0]).tolist()


def test_what_cannot_be_used_is_a_value_error(series_source: str) -> None:
    X, y = shapes(12, 0, 2)
    fitted = TransferClassifier(series_source).fit(X, y)
    with pytest.raises(InputError, match=r"1 channel\(s\), and .* fitted on 2"):
        fitted.predict(X[:, :1])
    mixed = [values[: 1 + row % 2] for row, values in enumerate(X)]
    with pytest.raises(InputError, match="from 1 to 2 channels"):
        TransferClassifier(series_source).fit(mixed, y)
    with pytest.raises(InputError, match=r"X\[3\] cannot be used: all of its 40 values are missing in channel 2"):
        X[3, 1] = np.nan
        TransferClassifier(series_source).fit(X, y)


@parametrize_with_checks([TransferClassifier("builtin/series-tiny")])
def test_check(estimator, check, series_source, tmp_path_factory, monkeypatch) -> None:
    monkeypatch.setenv("HEADSTART_HOME", str(tmp_path_factory.getbasetemp() / "home-of-series"))
    check(estimator.set_params(source=series_source))
