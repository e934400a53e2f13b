"""The same tiny networks and target as the contracts use."""

from __future__ import annotations

from contracts.conftest import networks, target

__all__ = ["networks", "target"]
