"""scikit-learn's own checks of estimators: all that apply pass, none is expected to fail."""

from __future__ import annotations

from pathlib import Path

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from headstart.learn import SourceFeatures, TransferClassifier


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home-of-checks")


@pytest.fixture(autouse=True)
def _one_home(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """One bank for all checks, because many use the same data."""
    monkeypatch.setenv("HEADSTART_HOME", str(home))


@parametrize_with_checks([TransferClassifier(), SourceFeatures()])
def test_check(estimator, check, source) -> None:
    check(estimator.set_params(source=source))
