"""The generated target and the tiny networks, made once for all contracts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.networks import KINDS, Target, make_target, open_kind
from headstart.sources import Source


@pytest.fixture(autouse=True)
def _eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which runtime pays off depends on the machine's load; contracts about numbers leave no choice."""
    monkeypatch.setenv("HEADSTART_RUNTIME", "eager")


@pytest.fixture(scope="session")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the tiny networks lie."""
    return tmp_path_factory.mktemp("networks")


@pytest.fixture(scope="session")
def target(tmp_path_factory: pytest.TempPathFactory) -> Target:
    return make_target(tmp_path_factory.mktemp("target"))


@pytest.fixture(params=list(KINDS))
def source(request: pytest.FixtureRequest, networks: Path) -> Iterator[Source]:
    """Each kind of tiny network in turn."""
    yield open_kind(request.param, networks)
