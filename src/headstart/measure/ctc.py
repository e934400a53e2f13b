"""Connectionist temporal classification (Graves et al. 2006): from what is likely at each moment to a sequence.

Label 0 is the blank: it stands between two equal labels, and where nothing is said.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

BLANK, NO_LETTER = 0, "<blank>"
UNLIKELY = np.log(1e-4)
"""Labels less likely than this at a moment are not followed there."""


def best_path(logs: NDArray[np.float64]) -> list[int]:
    """The likeliest label at each moment, repetitions and blanks left out; logs (T, K) of probabilities."""
    path = logs.argmax(axis=1)
    kept = np.flatnonzero((path != BLANK) & (path != np.append(-1, path[:-1])))
    return [int(label) for label in path[kept]]


def prefix_search(logs: NDArray[np.float64], beams: int) -> list[int]:
    """The sequence that is likeliest in sum over all its paths, as far as so many beginnings at once find it (Hannun
    et al. 2014, without a language model)."""
    ends: dict[tuple[int, ...], tuple[float, float]] = {(): (0.0, -np.inf)}  # in a blank, and in its last label
    for moment in logs:
        found: dict[tuple[int, ...], list[float]] = defaultdict(lambda: [-np.inf, -np.inf])
        likely = [int(label) for label in np.flatnonzero(moment > UNLIKELY) if label != BLANK]
        for prefix, (blank, label_end) in ends.items():
            either = np.logaddexp(blank, label_end)
            own = found[prefix]
            own[0] = np.logaddexp(own[0], either + moment[BLANK])
            if prefix:
                own[1] = np.logaddexp(own[1], label_end + moment[prefix[-1]])
            for label in likely:
                longer = found[(*prefix, label)]
                before = blank if prefix and label == prefix[-1] else either
                longer[1] = np.logaddexp(longer[1], before + moment[label])
        best = sorted(found.items(), key=lambda one: -float(np.logaddexp(one[1][0], one[1][1])))[:beams]
        ends = {prefix: (blank, label_end) for prefix, (blank, label_end) in best}
    return list(next(iter(ends)))
