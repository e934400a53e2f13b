"""Pretrained models to start from: one file a family. `open_source(name)` finds and opens one."""

from headstart.sources.contract import Source
from headstart.sources.description import Description, SourceCard, Stage
from headstart.sources.open import families, open_source

__all__ = ["Description", "Source", "SourceCard", "Stage", "families", "open_source"]
