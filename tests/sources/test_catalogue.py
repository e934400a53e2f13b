"""The listing of what can be started from."""

from __future__ import annotations

import pytest

from headstart.sources.catalogue import catalogue


def test_every_source_here_says_what_it_accepts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEADSTART_MODELS", raising=False)
    units = {entry.name: entry.input.split()[-1] for entry in catalogue() if entry.name.startswith("builtin/")}
    expected = {"image": "px", "text": "pieces", "audio": "kHz", "speech": "kHz", "series": "steps"}
    assert units == {f"builtin/{kind}-tiny": unit for kind, unit in expected.items()}
