"""Teach a source more of a field before it is adapted: its own objective, on texts without labels.

Domain-adaptive pre-training (Gururangan et al. 2020; the second step of ULMFiT, Howard and Ruder 2018).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.core.errors import RecipeError
from headstart.core.registry import suggest
from headstart.sources.language_models import ASKED_BY
from headstart.verbs.adapt import adapt

if TYPE_CHECKING:
    from rich.console import Console

    from headstart.sources import Source
    from headstart.verbs.model import Model


def go_on(
    target: Any,
    *,
    source: str | Path | Source,
    objective: str,
    out: str | Path,
    epochs: float = 3,
    learning_rate: float = 3e-4,
    batch: int = 32,
    content: str | None = None,
    seed: int = 0,
    console: Console | None = None,
) -> Model:
    """Trains all of `source` on the texts of `target`; the folder `out` is a run, and a source to adapt.

    Args:
        objective: "masked-lm" or "causal-lm", whichever the source was made for.

    Raises:
        HeadstartError: something cannot be used; the message says what to do.
    """
    if objective not in ASKED_BY:
        raise RecipeError(f"There is no objective '{objective}'. {suggest(objective, list(ASKED_BY))}")
    options = {"freeze": "none", "views": 0, "epochs": epochs, "learning_rate": learning_rate, "batch": batch}
    return adapt(
        target,
        source=source,
        task=ASKED_BY[objective],
        strategy="finetune",
        options=options,
        content=content,
        baselines=False,
        seed=seed,
        out=out,
        console=console,
    )
