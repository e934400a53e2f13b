"""How the answers of a task are kept, listed and drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from headstart.tasks.predictions import Predictions, Targets


@dataclass(frozen=True)
class Course:
    """A forecast beside what went ahead and what came, all in the series' own units."""

    past: NDArray[np.float64]
    """(T,)"""
    low: NDArray[np.float64]
    """(H,), as middle and high."""
    middle: NDArray[np.float64]
    high: NDArray[np.float64]
    truth: NDArray[np.float64]
    """(H,), nan where missing."""


@dataclass(frozen=True)
class Retrieved:
    """Counts (N,) by example: how often a label was rightly answered, answered, and wanted."""

    right: NDArray[np.float64]
    given: NDArray[np.float64]
    wanted: NDArray[np.float64]


class Presented:
    """The part of `Task` that tables, pages and lists of mistakes ask for."""

    things: ClassVar[str] = ""
    """What people call its examples; empty where they go by what they hold, such as images."""
    answers: ClassVar[str] = "answer"
    """What a table of answers calls them."""
    watched: ClassVar[str] = ""
    """Title of what `watch` gives; empty where it is the primary metric."""

    @property
    def arrow_type(self) -> pa.DataType:
        """Of a column of answers."""
        return pa.string()

    @property
    def truth_type(self) -> pa.DataType:
        """Of a column of what `answers_of` gives."""
        return self.arrow_type

    def shown(self, answer: Any, content: Any = None) -> Any:
        """An answer, or what `answers_of` gives, as a person reads it: a label, labels, or a number.

        Args:
            content: what it answers, where that is at hand.
        """
        del content
        return answer

    def course(self, content: Any, answer: Any, truth: Any) -> Course | None:
        """What is drawn of an example, its answer, and what `answers_of` gives of its target; none where the example
        itself is shown."""
        del content, answer, truth
        return None

    def laid_out(self, ids: Sequence[str], predictions: Predictions) -> dict[str, Any]:
        """Columns of a table of answers, where it has other rows than one an example; else none."""
        del ids, predictions
        return {}

    def retrieved(self, predictions: Predictions, targets: Targets) -> dict[str, Retrieved]:
        """For each label (or type of span) what was found of it; empty where answers are no labels."""
        del predictions, targets
        return {}
