"""How many labels the transfer saves: where it, on few labels, meets scratch on all of them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from headstart.measure.intervals import Interval
from headstart.receipt import words
from headstart.receipt.document import LabelEfficiency, LabelPoint, Measure, Range

Point = tuple[int, Interval]
"""Labels, and the primary metric reached with them."""


def efficiency(
    points: Sequence[Point],
    way: str,
    scratch: float | None,
    measure: Measure,
    classes: int,
    floor: float = -math.inf,
) -> LabelEfficiency:
    """What the curve says.

    Args:
        points: from few labels to all of them.
        way: what was fitted with fewer labels.
        scratch: what the network from random weights reached with all labels; None when it was not run.
        classes: how many classes the labels are spread over; 0 where there are none.
        floor: what an answer that looks at nothing reaches.
    """
    curve = [LabelPoint(labels=labels, **Range.of(interval).model_dump()) for labels, interval in points]

    def told(sentence: str | None, needed: int | None = None, saved: int | None = None) -> LabelEfficiency:
        return LabelEfficiency(points=curve, way=way, sentence=sentence, reaches_with=needed, worth=saved)

    if scratch is None or math.isnan(scratch) or len(points) < 2:
        return told(None)
    every = points[-1][0]
    target = words.amount(scratch, measure)
    if scratch <= floor:
        return told(
            f"From random weights nothing was learned from all {every:,} labels ({target}, no better than a trivial "
            "answer), so what the source saves in labels cannot be told."
        )
    needed = crossing(points, scratch)
    if needed is None:
        return told(
            f"With the source even all {every:,} labels stay below the {target} of training from random weights: "
            "no labels are saved."
        )
    saved = every - needed
    if saved <= 0:
        return told(
            f"With the source all {every:,} labels are needed for the {target} of training from random weights: "
            "no labels are saved.",
            needed,
            0,
        )
    if needed > points[0][0]:
        return told(
            f"With the source about {needed:,} labels are enough for the {target} that training from random weights "
            f"reaches with all {every:,} (interpolated): this transfer was worth about {words.count(saved, 'labels')}.",
            needed,
            saved,
        )
    few = words.count(needed, "labels")
    if classes and needed >= classes:
        each, over = divmod(needed, classes)
        few = f"{few} ({each:,} or {each + 1:,} a class)" if over else f"{each:,} labels a class ({needed:,} in all)"
    return told(
        f"With the source even {few} exceed the {target} that training from random weights reaches with "
        f"all {every:,}: this transfer was worth at least {words.count(saved, 'labels')}.",
        needed,
        saved,
    )


def crossing(points: Sequence[Point], wanted: float) -> int | None:
    """The fewest labels at which the curve reaches `wanted`, linear in the logarithm of labels between points."""
    known = [(labels, interval.value) for labels, interval in points if not math.isnan(interval.value)]
    if known and known[0][1] >= wanted:
        return known[0][0]
    for (fewer, below), (more, above) in itertools.pairwise(known):
        if below < wanted <= above:
            share = (wanted - below) / (above - below)
            return math.ceil(round(float(fewer * (more / fewer) ** share), 6))
    return None
