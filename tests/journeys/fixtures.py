"""Fixtures that journeys and faults share. What they give is made once and only read; tests that change it copy it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.journeys.world import headstart, home, make_pictures, make_source

from contracts.texts import write_text_model


@pytest.fixture(autouse=True)
def _plain_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which runtime pays off depends on the machine; these tests are about other things."""
    monkeypatch.setenv("HEADSTART_RUNTIME", "eager")


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("world")


@pytest.fixture(scope="session")
def source(place: Path) -> Path:
    return make_source(place / "tiny")


@pytest.fixture(scope="session")
def pictures(place: Path) -> Path:
    return make_pictures(place / "pictures")


@pytest.fixture(scope="session")
def probed(place: Path, source: Path, pictures: Path) -> Path:
    """A finished probe without costly baselines, whose bank is `place / "home"`."""
    run = place / "runs" / "probe"
    with home(place / "home"):
        headstart("adapt", pictures, "--source", source, "--no-baselines", "--out", run).ok()
    return run


@pytest.fixture(scope="session")
def finetuned(place: Path, source: Path, pictures: Path) -> Path:
    """A finished fine-tuning with every baseline."""
    run = place / "runs" / "finetune"
    with home(place / "home"):
        headstart(
            "adapt", pictures, "--source", source, "--strategy", "finetune", "--epochs", "2",
            "--baseline-budget", "1", "--out", run,
        ).ok()  # fmt: skip
    return run


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny text encoder in the hub's format."""
    return write_text_model(tmp_path_factory.mktemp("models") / "bert", "bert")
