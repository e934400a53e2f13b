"""The receipt as one page that needs nothing else: no script, no font, no address on the network."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headstart.receipt import figures, words
from headstart.receipt.breakdown import FEWEST
from headstart.receipt.document import ArmSection, Measure, Range, Receipt
from headstart.receipt.evidence import ADAPTED, PROBE, SCRATCH, ZERO_SHOT
from headstart.receipt.exhibits import Exhibit, markup

if TYPE_CHECKING:
    from markupsafe import Markup

SHADED_CLASSES = 30
"""More classes than this are not shown as a table; the most frequent confusions are listed instead."""
STYLES = {ADAPTED: "adapted", PROBE: "probe", ZERO_SHOT: "zero", SCRATCH: "scratch"}
"""CSS classes of arms; other arms are trivial."""


@dataclass(frozen=True)
class ArmRow:
    """One arm in the table."""

    arm: ArmSection
    style: str
    bar: Markup
    cells: list[tuple[str, str]]
    """(value, interval) for each metric."""


@dataclass(frozen=True)
class Cell:
    """One cell of the confusion matrix."""

    count: int
    shade: int
    """Percent of full colour: the share of its row, for mistakes its root, so that rare ones can be seen."""
    is_right: bool


def render(
    receipt: Receipt,
    *,
    exhibits: Mapping[str, Exhibit],
    looked: Sequence[tuple[str, Exhibit]],
    courses: Sequence[tuple[str, Exhibit]] = (),
) -> str:
    """The page.

    Args:
        exhibits: of mistakes, by the example's id; any of them may be missing.
        looked: titles and exhibits of what the answers depended on.
        courses: titles and forecasts of some test examples, the best and the worst among them or not.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("headstart.receipt"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["words"] = words
    drawn = curves_of(receipt)
    return environment.get_template("page.html.jinja").render(
        receipt=receipt,
        share=Measure(name="share", title="Share", greater_is_better=True, is_share=True),
        rows=arm_rows(receipt),
        scale=scale_of(receipt),
        style_of=style_of,
        curves=learning_curves(receipt, drawn) if drawn else None,
        drawn=drawn,
        labels_figure=label_figure(receipt),
        fewest=FEWEST,
        matrix=confusion_cells(receipt),
        reliability=figures.reliability_chart(receipt.reliability) if receipt.reliability else None,
        exhibits={name: markup(one, f"Test example {name}") for name, one in exhibits.items()},
        courses=[(title, markup(one, f"Forecast of {title}")) for title, one in courses],
        coloured=any(not isinstance(one, str) for _, one in looked),
        looked=[(title, markup(one, f"Heat over the picture: {title}")) for title, one in looked],
    )


def style_of(name: str) -> str:
    return STYLES.get(name, "trivial")


def scale_of(receipt: Receipt) -> tuple[float, float]:
    """Values of the deciding metric between which bars are drawn; shares below −1 would leave no room for others."""
    found = [arm.metrics[receipt.task.primary] for arm in receipt.arms]
    ends = [end for one in found for end in (one.value, one.low, one.high) if end is not None]
    if receipt.primary.is_share:
        return max(-1.0, min(0.0, *ends)), 1.0
    return min(ends, default=0.0), max(ends, default=0.0)


def arm_rows(receipt: Receipt) -> list[ArmRow]:
    """Arms with the deciding metric drawn on one scale for all."""
    low, high = scale_of(receipt)
    return [
        ArmRow(
            arm,
            style_of(arm.name),
            figures.interval_bar(arm.metrics[receipt.task.primary], low, high, style_of(arm.name)),
            [_cell(arm.metrics[measure.name], measure) for measure in receipt.task.measures],
        )
        for arm in receipt.arms
    ]


def _cell(found: Range, measure: Measure) -> tuple[str, str]:
    return words.amount(found.value, measure), words.bounds(found, measure)


def curves_of(receipt: Receipt) -> list[figures.Series]:
    """Validation value over time of the arms that were trained, adapted against scratch."""
    found = []
    for arm in receipt.arms:
        points = [(point.seconds, point.value) for point in arm.curve if point.value is not None]
        if len(points) > 1:
            found.append(figures.Series(arm.title, style_of(arm.name), points))
    return found


def learning_curves(receipt: Receipt, series: Sequence[figures.Series]) -> Markup:
    """The figure of what `curves_of` gives."""
    told = "; ".join(
        f"{one.title}: from {words.amount(one.points[0][1], receipt.watched)} to "
        f"{words.amount(one.points[-1][1], receipt.watched)} in {words.duration(one.points[-1][0])}"
        for one in series
    )
    return figures.chart(
        "Learning curves",
        told,
        series,
        figures.Axis("seconds of training", _seconds),
        figures.Axis(f"{receipt.watched.title}, validation", figures.share_axis(receipt.watched)),
    )


def _seconds(value: float) -> str:
    return f"{value:g}"


def label_figure(receipt: Receipt) -> Markup | None:
    """Value over the number of labels, against scratch on all of them."""
    points = [point for point in receipt.label_efficiency.points if point.value is not None]
    if len(points) < 2:
        return None
    line = figures.Series(
        receipt.label_efficiency.way,
        ADAPTED,
        [(point.labels, point.value) for point in points if point.value is not None],
        [(point.labels, point.low, point.high) for point in points if point.low is not None and point.high is not None],
    )
    scratch = receipt.arm(SCRATCH)
    reached = scratch.metrics[receipt.task.primary].value if scratch else None
    level = (reached, "from random weights, all labels") if reached is not None else None
    told = "; ".join(f"{point.labels} labels: {words.amount(point.value, receipt.primary)}" for point in points)
    return figures.chart(
        "Label efficiency",
        told,
        [line],
        figures.Axis("labels", lambda value: f"{value:,.0f}", True),
        figures.Axis(f"{receipt.primary.title}, test", figures.share_axis(receipt.primary)),
        level,
    )


def confusion_cells(receipt: Receipt) -> list[list[Cell]] | None:
    """Counts with their share of the row; None where there are none or too many classes."""
    found = receipt.confusion
    if found is None or not found.counts or len(found.labels) > SHADED_CLASSES:
        return None
    return [
        [_shaded(count, sum(row), place == column) for column, count in enumerate(row)]
        for place, row in enumerate(found.counts)
    ]


def _shaded(count: int, total: int, is_right: bool) -> Cell:
    share = count / max(1, total)
    return Cell(count, round(100 * (share if is_right else math.sqrt(share))), is_right)
