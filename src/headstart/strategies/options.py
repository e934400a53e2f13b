"""Options that several strategies have: their bounds, what they say, and what is usual where the user says nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from headstart.tasks import Task


@dataclass(frozen=True)
class Usual:
    """What is done where the user does not say."""

    learning_rate: float
    head_rate: float
    batch: int
    views: int


SOLVED = Usual(learning_rate=3e-4, head_rate=1e-3, batch=32, views=4)
UNALIGNED = Usual(learning_rate=1e-3, head_rate=3e-3, batch=8, views=0)


def usual_for(task: Task) -> Usual:
    return SOLVED if task.aligned else UNALIGNED


Epochs = Annotated[float, Field(gt=0, le=1000)]
Rate = Annotated[float, Field(gt=0, le=1)]
Averaging = Literal["none", "ema", "wise"]
Solver = Annotated[
    Literal["best", "ridge", "lda", "logistic"],
    Field(description="How the head is solved; best takes the lowest left-out loss of ridge, lda and both."),
]
Views = Annotated[
    int, Field(ge=0, le=64, description="Augmented views of each example; 0 makes a new one every epoch.")
]
Mix = Annotated[Literal["none", "mixup", "cutmix"], Field(description="Mixing of examples within a batch.")]
Patience = Annotated[int, Field(ge=0, description="Evaluations without a gain before it stops; 0 never stops early.")]
WarmUp = Annotated[float, Field(ge=0, lt=1, description="Share of training with a rising rate.")]
WeightDecay = Annotated[float, Field(ge=0, description="Of AdamW.")]

UsualHeadRate = Annotated[
    Rate | None,
    Field(description=f"Of the head; by default {SOLVED.head_rate:g}, for transcripts {UNALIGNED.head_rate:g}."),
]
UsualBatch = Annotated[
    int | None,
    Field(
        ge=1,
        le=4096,
        description=f"Examples a step; by default {SOLVED.batch}, for transcripts {UNALIGNED.batch}.",
    ),
]
UsualViews = Annotated[
    int | None,
    Field(
        ge=0,
        le=64,
        description=f"Augmented views of each example; 0 makes a new one every epoch. By default {SOLVED.views}, for "
        f"transcripts {UNALIGNED.views}.",
    ),
]
