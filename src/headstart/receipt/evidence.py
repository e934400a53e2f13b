"""What a receipt is made from: the answers of every arm for the test examples, whose labels are still sealed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.data.checks import Checked
from headstart.data.splits import Splits
from headstart.engine.trained import Trained
from headstart.sources import Source
from headstart.tasks import Task

ADAPTED, PROBE, ZERO_SHOT, SCRATCH, PLAIN = "adapted", "probe", "zero-shot", "scratch", "plain"
"""Names of the arms that sentences and warnings speak of; any other name is a trivial baseline's."""


@dataclass(frozen=True)
class Arm:
    """One way to answer, and what it answered."""

    name: str
    """"adapted", "probe", "zero-shot", "scratch", or a trivial baseline's, such as "majority"."""
    title: str
    knows_source: bool
    """Whether it uses what the source learned; the verdict compares with the best arm that does not."""
    scores: NDArray[np.float64]
    """(N, K): for the test examples, in their order."""
    trained: Trained | None = None
    notes: tuple[str, ...] = ()
    still_improving: bool | None = None
    """Whether its validation value was still rising when it was stopped; None where that has no meaning."""
    again: tuple[NDArray[np.float64], ...] = ()
    """Scores of the same, trained with other seeds."""
    fitted: bool = False
    """Whether it learned from the training examples without any network."""

    @property
    def is_trivial(self) -> bool:
        """Whether it costs nothing, and answers without a look at what is asked."""
        return self.trained is None and not self.knows_source and not self.fitted


@dataclass(frozen=True)
class BudgetPoint:
    """The transfer with only that many training labels."""

    labels: int
    scores: NDArray[np.float64]
    """(N, K): for the test examples, in their order."""
    title: str = "closed-form head on the source's features"
    """What was fitted with those labels."""


@dataclass(frozen=True)
class Evidence:
    """Everything the receipt is made from."""

    run: str
    source: Source
    checked: Checked
    splits: Splits
    task: Task
    arms: tuple[Arm, ...]
    """The adapted one first."""
    budgets: tuple[BudgetPoint, ...]
    baselines_skipped: bool
    """Whether the arms that cost training time were left out, at the user's wish."""
    seed: int
    recipe: dict[str, Any]
    """What was asked for; its "options" are the strategy's."""
    warnings: tuple[str, ...]
    seconds: float
    peak_memory: int
    """Bytes."""

    @property
    def adapted(self) -> Arm:
        return self.arms[0]

    @property
    def outcome(self) -> Trained:
        """What running the adapted arm's plan gave."""
        if self.adapted.trained is None:
            raise ValueError("The adapted arm carries no Trained: a receipt is made of a plan that was run.")
        return self.adapted.trained

    @property
    def reads_around_source(self) -> tuple[str, ...]:
        """What the adapted heads read, where no weight of the source has a part in any of it, however it was trained;
        else nothing."""
        trained = self.adapted.trained
        if trained is None or not trained.heads:
            return ()
        stages = trained.source.stages
        names = [stage.name for stage in stages]
        read = sorted({name for head in trained.heads.values() for name in head.at}, key=names.index)
        return () if any(stage.parameters for stage in stages[: names.index(read[-1]) + 1]) else tuple(read)

    def arm(self, name: str) -> Arm | None:
        return next((arm for arm in self.arms if arm.name == name), None)
