"""What is said of time left."""

from __future__ import annotations

import pytest

from headstart.core import progress


def test_time_left_is_by_the_pace_after_the_first_items(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Twelve seconds go by before the first ten of 100 items, and then one item takes a second."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    with progress.progress("Features", 100) as advance:
        for seconds, count in ((12, 10), (10, 10), (10, 10), (70, 70)):
            now[0] += seconds
            advance(count)
    assert capsys.readouterr().err == "Features: 10/100\nFeatures: 30/100, 70 s left\nFeatures: 100/100, 0 s left\n"


def test_short_work_is_quiet(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    with progress.progress("Features", 100) as advance:
        for _ in range(10):
            now[0] += 0.15
            advance(10)
    assert not capsys.readouterr().err
