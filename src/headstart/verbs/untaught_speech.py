"""A recogniser of speech from nothing but recordings and transcripts: a small network, random weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.measure.ctc import NO_LETTER
from headstart.sources.sounds import recogniser
from headstart.tasks.speech_recognition import SpeechRecognition
from headstart.verbs.adapt import adapt
from headstart.verbs.untaught import chosen, start_beside

if TYPE_CHECKING:
    from rich.console import Console

    from headstart.verbs.model import Model

NAME = "recogniser"
TEST = 0.1
"""Share to test on, where the target has no test part: of a larger task it is enough."""


def from_nothing(
    target: Any,
    *,
    out: str | Path,
    arch: str = NAME,
    epochs: float = 30,
    learning_rate: float = 2e-3,
    batch: int = 16,
    label: str | None = None,
    content: str | None = None,
    split: str | None = None,
    seed: int = 0,
    console: Console | None = None,
) -> Model:
    """Teaches a new recogniser on the recordings of `target`; the folder `out` is a run, and a source to adapt. What it
    began as stays beside it, in the folder of that name with `-start`.

    Args:
        arch: "recogniser", or "recogniser:key=value,…" with fields of `sources.sounds.recogniser.Architecture`.

    Raises:
        HeadstartError: something cannot be used; the message says what to do.
    """
    architecture = chosen(recogniser.Architecture, NAME, arch, SpeechRecognition.kind)
    start = start_beside(out)
    recogniser.write(start, architecture, (NO_LETTER,), seed)
    return adapt(
        target,
        source=start,
        task=SpeechRecognition.kind,
        strategy="scratch",
        options={"epochs": epochs, "learning_rate": learning_rate, "batch": batch},
        label=label,
        content=content,
        split=split,
        test=TEST,
        baselines=False,
        seed=seed,
        out=out,
        console=console,
    )
