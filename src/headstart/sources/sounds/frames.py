"""Answers along a sound, for networks that are shown windows of one length: which window says what of which moment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Frames:
    """Windows of `answers` answers that overlap by a fourth on each side. A moment is answered by the window in whose
    middle it lies nearest, so that every answer has some sound before and after it."""

    answers: int
    """That the network gives for one window."""
    window: int
    """Values along time, such as samples, of one window."""
    hop: int
    """Values from one answer to the next."""

    @property
    def step(self) -> int:
        """Answers from one window to the next."""
        return max(1, self.answers // 2)

    def moments(self, values: int) -> int:
        """Answers for a sound of so many values: of its last one, if not all of it is there."""
        return max(1, -(-values // self.hop))

    def cut(self, series: NDArray[np.float32]) -> NDArray[np.float32]:
        """(R, window, …) of a series (V, …); behind its end there are zeros."""
        count = 1 + max(0, -(-(self.moments(len(series)) - self.answers) // self.step))
        missing = (count - 1) * self.step * self.hop + self.window - len(series)
        filled = np.pad(series, [(0, max(0, missing)), *[(0, 0)] * (series.ndim - 1)])
        starts = range(0, count * self.step * self.hop, self.step * self.hop)
        return np.stack([filled[start : start + self.window] for start in starts])

    def places(self, values: int, windows: int) -> NDArray[np.int32]:
        """(P,): where, among the answers (R x answers,) of all windows, each moment of a sound is answered."""
        moments = np.arange(self.moments(values))
        nearest = np.round((moments - (self.answers - 1) / 2) / self.step).astype(np.int64)
        window = np.clip(nearest, 0, windows - 1)
        inside = np.clip(moments - window * self.step, 0, self.answers - 1)
        return np.asarray(window * self.answers + inside, np.int32)
