"""One small world for all journeys: a source, pictures and two runs, made once."""

from __future__ import annotations

from tests.journeys.fixtures import _plain_runtime, finetuned, model, pictures, place, probed, source

__all__ = ["_plain_runtime", "finetuned", "model", "pictures", "place", "probed", "source"]
