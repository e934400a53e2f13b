"""What running a plan gives: heads, changed weights, history and cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.bank import Bank, Filled
from headstart.core.ragged import joined, like
from headstart.engine.plan import Plan
from headstart.sources import Source
from headstart.tasks import Task


@dataclass(frozen=True)
class AdapterFiles:
    """Trained adapters in the format of the library peft."""

    tensors: dict[str, NDArray[Any]]
    """Of adapter_model.safetensors."""
    config: dict[str, Any]
    """Of adapter_config.json."""


@dataclass(frozen=True)
class LinearHead:
    """A head as arrays: scores = features of `at`, side by side (N, D), times weight (D, K), plus bias (K,); features
    at places (N,) of (P, D) give scores (N,) of (P, K)."""

    at: tuple[str, ...]
    weight: NDArray[np.float64]
    bias: NDArray[np.float64]

    def scaled(self, factor: float | NDArray[np.float64]) -> LinearHead:
        """With scores times a number, or times a matrix (K, K)."""
        if isinstance(factor, np.ndarray):
            return LinearHead(self.at, self.weight @ factor, self.bias @ factor)
        return LinearHead(self.at, self.weight * factor, self.bias * factor)

    def scores(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        flat = joined(features).astype(np.float64) @ self.weight + self.bias
        return like(np.asarray(flat), features)


@dataclass
class Cost:
    """What an arm used. Passes count one example each."""

    seconds: float = 0.0
    items_seen: int = 0
    """Examples that went into training, with repetition."""
    forward_passes: int = 0
    backward_passes: int = 0
    from_bank: int = 0
    """Examples whose features were in the bank already."""


@dataclass(frozen=True)
class Moment:
    """One evaluation during training."""

    phase: str
    step: int
    seconds: float
    items_seen: int
    loss: float | None
    """Mean training loss since the last evaluation."""
    value: float | None
    """What the task watches on the validation part: mostly the primary metric."""


@dataclass
class Trained:
    """A plan that has been run."""

    plan: Plan
    source: Source
    """As it was before: the pretrained one, or random weights of the same architecture."""
    tasks: dict[str, Task]
    heads: dict[str, LinearHead]
    weights: dict[str, NDArray[Any]]
    """Parameters and buffers of the trained stages, by the library's own names; empty when the trunk is untouched."""
    history: list[Moment] = field(default_factory=list)
    cost: Cost = field(default_factory=Cost)
    frozen_before: str = ""
    """Digest of the frozen stages before the first phase and after the last."""
    frozen_after: str = ""
    solved: dict[str, Any] = field(default_factory=dict)
    """For each head solved in closed form: solver, penalty, stages, left-out value."""
    steps: dict[str, int] = field(default_factory=dict)
    """Steps that each phase of gradient descent took."""
    filled: Filled = field(default_factory=Filled)
    adapters: AdapterFiles | None = None
    """What was merged into `weights`, when the plan trained adapters."""

    @property
    def uses_own_head(self) -> bool:
        """Whether the source's own head answers, and no other was made."""
        return any(head.start == "own" for head in self.plan.heads)

    @property
    def head(self) -> LinearHead:
        """The head, when there is one."""
        return next(iter(self.heads.values()))

    @property
    def task(self) -> Task:
        return next(iter(self.tasks.values()))


@dataclass(frozen=True)
class Workplace:
    """Where a plan is run: the bank it may use, and where its unfinished state is kept (None: nowhere)."""

    bank: Bank
    state: Path | None = None
