"""Plans of every registered strategy, short enough for tests, and ways to run and to stop them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from contracts.networks import Target
from headstart.engine import loop
from headstart.engine.plan import Plan, Train
from headstart.engine.run import run
from headstart.engine.trained import Trained, Workplace
from headstart.sources import Source
from headstart.strategies import Target as Sizes
from headstart.strategies import strategies

SHORT: dict[str, Any] = {"epochs": 3, "steps": 4, "batch": 8, "views": 2}
"""Values of the options by which any strategy can be made short."""
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "one phase, moving average": ("finetune", {"averaging": "ema"}),
    "gradual, interpolated, pulled back": (
        "finetune",
        {"gradual": True, "averaging": "wise", "l2_sp": 0.01, "views": 0, "learning_rate": 1e-3},
    ),
    "everything, mixed, moments updated": (
        "finetune",
        {"freeze": "none", "mix": "mixup", "statistics": "updated", "averaging": "none", "views": 1},
    ),
    "the head alone, cut and mixed": ("finetune", {"freeze": "all", "mix": "cutmix"}),
    "random weights": ("scratch", {}),
    "pairs, then solved": ("contrastive", {"steps": 6, "refit": True}),
    "adapters, with dropout, and norms": ("lora", {"dropout": 0.2, "norms": True, "freeze": "none"}),
}
"""Ways of gradient descent that between them use every part of the loop."""


class Stopped(Exception):  # noqa: N818 -- stands for a kill
    """The process died here."""


def sizes(target: Target) -> Sizes:
    return Sizes(len(target.parts["train"]), len(target.parts["validation"]))


def short_plan(
    name: str, source: Source, target: Target, task: str = "classification", seed: int = 0, **options: Any
) -> Plan:
    """A plan of that strategy with as little work as its options allow."""
    strategy = strategies.get(name)
    given = {key: value for key, value in SHORT.items() if key in strategy.model_fields}
    return strategy(**{**given, **options}).plan(source, target.task(task), sizes(target), seed)


def variant(name: str, source: Source, target: Target, seed: int = 0) -> Plan:
    strategy, options = VARIANTS[name]
    return short_plan(strategy, source, target, seed=seed, **options)


def unstopped(plan: Plan) -> Plan:
    """The plan without validation and averages, so that it ends with the weights of its last step."""
    phases = tuple(
        dataclasses.replace(phase, stop=None, averaging="none") if isinstance(phase, Train) else phase
        for phase in plan.phases
    )
    return dataclasses.replace(plan, phases=phases, refit=False)


def go(plan: Plan, source: Source, target: Target, place: Workplace) -> Trained:
    return run(plan, source, target.parts, place)


def tensors_of(trained: Trained) -> dict[str, np.ndarray]:
    """Everything that a run learned, by name."""
    heads = {
        f"head {name} {part}": getattr(head, part)
        for name, head in trained.heads.items()
        for part in ("weight", "bias")
    }
    return {**heads, **trained.weights}


def assert_same(one: Trained, other: Trained) -> None:
    """Weights and heads are equal to the bit."""
    first, second = tensors_of(one), tensors_of(other)
    assert first.keys() == second.keys()
    different = [name for name in first if not np.array_equal(first[name], second[name])]
    assert not different, different


@contextmanager
def watched(monkeypatch: pytest.MonkeyPatch, before: Callable[[loop.Phase, int], None]) -> Iterator[None]:
    """Calls `before(phase, number of steps so far in all)` ahead of each step; checkpoints are kept at every step."""
    inner, count = loop._step, 0

    def step(phase: loop.Phase, *arguments: Any) -> float:
        nonlocal count
        before(phase, count)
        count += 1
        return inner(phase, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "_step", step)
        patch.setattr(loop, "CHECKPOINT_SECONDS", -1.0)
        patch.setattr(loop, "KEEPING", float("inf"))
        yield


def count_steps(
    plan: Plan, source: Source, target: Target, place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> tuple[Trained, int]:
    seen: list[int] = []
    with watched(monkeypatch, lambda _phase, count: seen.append(count)):
        trained = go(plan, source, target, place)
    return trained, len(seen)


def stop_at(number: int) -> Callable[[loop.Phase, int], None]:
    def before(_phase: loop.Phase, count: int) -> None:
        if count == number:
            raise Stopped

    return before
