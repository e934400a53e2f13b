"""What every strategy is: options with their meanings, and a plan made from them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import pydantic

from headstart.core.registry import Registry
from headstart.engine.plan import Plan
from headstart.sources import Source
from headstart.tasks import Task

IMBALANCE = 3.0
"""Largest class over smallest from which rare classes weigh more in the loss."""


@dataclass(frozen=True)
class Target:
    """What a strategy may know of the target before it is run: sizes, never labels of the test."""

    train: int
    """Examples to train on, when `validation` are held out."""
    validation: int
    imbalance: float = 1.0
    """Largest class over smallest, among the training labels."""

    @property
    def is_uneven(self) -> bool:
        """Whether rare classes weigh more in the loss."""
        return self.imbalance > IMBALANCE


class Strategy(pydantic.BaseModel, ABC):
    """A way to transfer. Its fields are its options; an unknown one is refused by name."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)
    title: ClassVar[str]
    is_random: ClassVar[bool] = False
    """Whether two seeds give two results."""

    @abstractmethod
    def plan(self, source: Source, task: Task, target: Target, seed: int) -> Plan:
        """The plan for this source, task and target.

        Raises:
            StrategyError: it does not fit this source; the message says what does.
        """


strategies: Registry[type[Strategy]] = Registry(
    "strategy",
    {
        "probe": "headstart.strategies.probe:Probe",
        "finetune": "headstart.strategies.finetune:Finetune",
        "contrastive": "headstart.strategies.contrastive:Contrastive",
        "lora": "headstart.strategies.lora:Lora",
        "scratch": "headstart.strategies.scratch:Scratch",
    },
)
