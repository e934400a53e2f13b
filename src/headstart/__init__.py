"""Headstart takes what a model already knows to a new task, and shows whether it helped.

    import headstart as hs

    model = hs.adapt("photos/", source="builtin/image-tiny")
    model.predict(["new.jpg"])
    print(model.receipt.verdict.sentence)

Everything is loaded when it is first used: importing this package loads no PyTorch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headstart.core.errors import HeadstartError
    from headstart.learn import SourceFeatures, TransferClassifier
    from headstart.sources import open_source
    from headstart.strategies.finetune import Finetune
    from headstart.strategies.probe import Probe
    from headstart.verbs.adapt import adapt, repeat, resume
    from headstart.verbs.compare import compare
    from headstart.verbs.embed import embed
    from headstart.verbs.evaluate import evaluate
    from headstart.verbs.inspect import inspect
    from headstart.verbs.model import Model, load
    from headstart.verbs.pretrain import pretrain

_WHERE = {
    "adapt": "verbs.adapt",
    "repeat": "verbs.adapt",
    "resume": "verbs.adapt",
    "load": "verbs.model",
    "Model": "verbs.model",
    "evaluate": "verbs.evaluate",
    "embed": "verbs.embed",
    "inspect": "verbs.inspect",
    "compare": "verbs.compare",
    "pretrain": "verbs.pretrain",
    "open_source": "sources",
    "Probe": "strategies.probe",
    "Finetune": "strategies.finetune",
    "HeadstartError": "core.errors",
    "TransferClassifier": "learn",
    "SourceFeatures": "learn",
}

__all__ = [
    "Finetune",
    "HeadstartError",
    "Model",
    "Probe",
    "SourceFeatures",
    "TransferClassifier",
    "adapt",
    "compare",
    "embed",
    "evaluate",
    "inspect",
    "load",
    "open_source",
    "pretrain",
    "repeat",
    "resume",
]

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(f"module 'headstart' has no attribute '{name}'")
    return getattr(importlib.import_module(f"headstart.{_WHERE[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
