"""What is predicted: targets, losses, metrics and trivial baselines. One file a task."""

from headstart.tasks.choose import choose, tasks, use
from headstart.tasks.contract import Baseline, Metric, Predictions, Task

__all__ = ["Baseline", "Metric", "Predictions", "Task", "choose", "tasks", "use"]
