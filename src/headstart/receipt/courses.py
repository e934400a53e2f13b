"""A forecast as a small picture: the past, the band, what came."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from headstart.tasks.presenting import Course

WIDTH, HEIGHT, ROOM = 240, 110, 6
SHOWN = 3
"""The past is shown for so many times the steps that are told."""


def course_figure(course: Course, what: str) -> Markup:
    """The past as a grey line, then the band, the forecast within it, and what came as a dashed line."""
    steps = course.middle.size
    past = course.past[-SHOWN * steps :]
    every = np.concatenate([past, course.low, course.high, course.truth])
    low, high = float(np.nanmin(every)), float(np.nanmax(every))
    across = np.linspace(ROOM, WIDTH - ROOM, len(past) + steps)

    def points(values: NDArray[np.float64], first: int) -> str:
        up = HEIGHT - ROOM - (values - low) / ((high - low) or 1.0) * (HEIGHT - 2 * ROOM)
        places = across[first : first + len(values)]
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(places, up, strict=True) if np.isfinite(y))

    here = len(past)
    band = f"{points(course.low, here)} {' '.join(reversed(points(course.high, here).split()))}"
    joined = np.concatenate([past[-1:], course.middle])
    return Markup(
        '<svg class="figure" role="img" viewBox="0 0 {} {}" width="{}"><title>{}</title>'
        '<g class="trivial"><polyline class="line" style="stroke-width:1.2" points="{}"/></g>'
        '<g class="adapted"><polygon style="fill:currentColor;opacity:.2" points="{}"/>'
        '<polyline class="line" style="stroke-width:1.6" points="{}"/></g>'
        '<polyline class="level" style="fill:none" points="{}"/></svg>'
    ).format(WIDTH, HEIGHT, WIDTH, what, points(past, 0), band, points(joined, here - 1), points(course.truth, here))
