"""What is predicted: targets, losses, metrics and trivial baselines. One file a task."""

from headstart.tasks.baselines import Baseline
from headstart.tasks.choose import choose, tasks, use
from headstart.tasks.contract import Task
from headstart.tasks.predictions import Metric, Predictions

__all__ = ["Baseline", "Metric", "Predictions", "Task", "choose", "tasks", "use"]
