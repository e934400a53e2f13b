"""Teach a source more of a field before it is adapted: its own objective, on texts without labels.

Domain-adaptive pre-training (Gururangan et al. 2020; the second step of ULMFiT, Howard and Ruder 2018).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.core.errors import RecipeError
from headstart.core.registry import suggest
from headstart.sources.texts.heads import ASKED_BY, CAUSAL, MASKED, SEQ2SEQ
from headstart.verbs.adapt import adapt

if TYPE_CHECKING:
    from rich.console import Console

    from headstart.sources import Source
    from headstart.verbs.model import Model

OBJECTIVES = {MASKED: MASKED, CAUSAL: CAUSAL, "seq2seq": SEQ2SEQ}
"""What users call them -> the head that is trained by it."""


def go_on(
    target: Any,
    *,
    source: str | Path | Source,
    objective: str,
    out: str | Path,
    epochs: float = 3,
    learning_rate: float = 3e-4,
    batch: int = 32,
    label: str | None = None,
    content: str | None = None,
    seed: int = 0,
    console: Console | None = None,
) -> Model:
    """Trains all of `source` on the texts or pairs of `target`; the folder `out` is a run, and a source to adapt.

    Args:
        objective: "masked-lm", "causal-lm" or "seq2seq", whichever the source was made for.

    Raises:
        HeadstartError: something cannot be used; the message says what to do.
    """
    if objective not in OBJECTIVES:
        raise RecipeError(f"There is no objective '{objective}'. {suggest(objective, list(OBJECTIVES))}")
    options = {"freeze": "none", "views": 0, "epochs": epochs, "learning_rate": learning_rate, "batch": batch}
    return adapt(
        target,
        source=source,
        task=ASKED_BY[OBJECTIVES[objective]],
        strategy="finetune",
        options=options,
        label=label,
        content=content,
        baselines=False,
        seed=seed,
        out=out,
        console=console,
    )
