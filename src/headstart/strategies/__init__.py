"""Ways to transfer: each turns (source, target, task, options) into a plan. One file a way."""

from headstart.strategies.contract import Strategy, Target, strategies

__all__ = ["Strategy", "Target", "strategies"]
