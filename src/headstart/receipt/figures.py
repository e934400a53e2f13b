"""Small figures as inline SVG, in the page's own colours. Each is a picture with a title and a description."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from headstart.receipt import words
from headstart.receipt.document import Measure, Range, ReliabilityBin

WIDTH, HEIGHT = 520, 300
LEFT, RIGHT, TOP, BOTTOM = 58, 24, 14, 44
Scale = Callable[[float], float]


@dataclass(frozen=True)
class Series:
    """Points of one line, and what it is called."""

    title: str
    style: str
    """CSS class of its colour."""
    points: Sequence[tuple[float, float]]
    bars: Sequence[tuple[float, float, float]] = ()
    """(x, low, high): intervals."""


@dataclass(frozen=True)
class Axis:
    """What is along one side of a figure."""

    title: str
    name: Callable[[float], str]
    is_logarithmic: bool = False


def chart(
    title: str,
    description: str,
    series: Sequence[Series],
    across: Axis,
    up: Axis,
    level: tuple[float, str] | None = None,
) -> Markup:
    """Lines with intervals over one axis.

    Args:
        level: a horizontal line and what it means.
    """
    xs = [x for one in series for x, _ in one.points]
    ys = [y for one in series for _, y in one.points] + [end for one in series for bar in one.bars for end in bar[1:]]
    ys += [level[0]] if level else []
    to_x, ticks_x = _scale(xs, LEFT, WIDTH - RIGHT, across.is_logarithmic)
    to_y, ticks_y = _scale(ys, HEIGHT - BOTTOM, TOP, False)
    body = [_grid(to_x, to_y, ticks_x, ticks_y, across, up)]
    if level:
        height = to_y(level[0])
        body.append(
            Markup('<line class="level" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(
                LEFT, WIDTH - RIGHT, _n(height), _n(height)
            )
        )
        body.append(_text(WIDTH - RIGHT, height - 5, level[1], "end", "note"))
    body += [_line(one, to_x, to_y) for one in series]
    return _svg(title, description, WIDTH, HEIGHT, body)


def interval_bar(found: Range, low: float, high: float, style: str) -> Markup:
    """A value and its interval on the scale from `low` to `high`; for a table's cell, whose text says the numbers."""
    if found.value is None or high <= low:
        return Markup("")

    def at(value: float) -> float:
        return 4 + 120 * min(1.0, max(0.0, (value - low) / (high - low)))

    parts = [Markup('<line class="axis" x1="4" x2="124" y1="9" y2="9"/>')]
    if found.low is not None and found.high is not None:
        parts.append(
            Markup('<line class="bar {}" x1="{}" x2="{}" y1="9" y2="9"/>').format(
                style, _n(at(found.low)), _n(at(found.high))
            )
        )
    parts.append(Markup('<circle class="dot {}" cx="{}" cy="9" r="3.5"/>').format(style, _n(at(found.value))))
    frame = Markup('<svg class="inline" viewBox="0 0 128 18" width="128" height="18" aria-hidden="true">{}</svg>')
    return frame.format(Markup("").join(parts))


def reliability_chart(bins: Sequence[ReliabilityBin]) -> Markup:
    """Share that is right over how sure the model was; on the diagonal the two agree. Dots grow with their count."""
    side = 320
    ends = LEFT, side - RIGHT
    most = max(part.count for part in bins)

    def to_x(value: float) -> float:
        return ends[0] + value * (ends[1] - ends[0])

    def to_y(value: float) -> float:
        return side - BOTTOM - value * (side - BOTTOM - TOP)

    ticks = (0.0, 0.25, 0.5, 0.75, 1.0)
    body = [
        _grid(
            to_x,
            to_y,
            ticks,
            ticks,
            Axis("how sure it was", _percent),
            Axis("share that is right", _percent),
            width=side,
            height=side,
        )
    ]
    body.append(
        Markup('<line class="level" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(
            _n(to_x(0)), _n(to_y(0)), _n(to_x(1)), _n(to_y(1))
        )
    )
    body += [
        Markup('<circle class="dot adapted" cx="{}" cy="{}" r="{}"><title>{}</title></circle>').format(
            _n(to_x(part.confidence)),
            _n(to_y(part.accuracy)),
            _n(3 + 4 * math.sqrt(part.count / most)),
            f"{part.count} answers: {_percent(part.confidence)} sure, {_percent(part.accuracy)} right",
        )
        for part in bins
    ]
    return _svg(
        "Reliability",
        "; ".join(f"{_percent(part.confidence)} sure: {_percent(part.accuracy)} right" for part in bins),
        side,
        side,
        body,
    )


def share_axis(measure: Measure) -> Callable[[float], str]:
    """How values of a metric are written at ticks."""
    return _percent if measure.is_share else words.plain


def nice_ticks(low: float, high: float) -> list[float]:
    """About five round numbers within low … high."""
    if high <= low:
        return [low]
    rough = (high - low) / 5
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= rough)
    first = math.ceil(low / step - 1e-9)
    return [round(step * number, 12) for number in range(first, math.floor(high / step + 1e-9) + 1)]


def _scale(values: Sequence[float], start: float, end: float, is_logarithmic: bool) -> tuple[Scale, Sequence[float]]:
    """From values to places, and the ticks. Five percent of room on both sides."""
    low, high = min(values), max(values)
    if is_logarithmic:
        ticks = sorted(set(values))
        inner, _ = _scale([math.log(value) for value in ticks], start, end, False)
        return lambda value: inner(math.log(value)), ticks
    room = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
    low, high = (low if low == 0 else low - room), high + room
    return lambda value: start + (value - low) / (high - low) * (end - start), nice_ticks(low, high)


def _grid(
    to_x: Scale,
    to_y: Scale,
    ticks_x: Sequence[float],
    ticks_y: Sequence[float],
    across: Axis,
    up: Axis,
    width: int = WIDTH,
    height: int = HEIGHT,
) -> Markup:
    parts = []
    names = [up.name(tick) for tick in ticks_y]
    if len(set(names)) < len(names):  # ticks closer together than values are usually told
        names = [f"{tick:.7g}" for tick in ticks_y]
    for tick, name in zip(ticks_y, names, strict=True):
        place = _n(to_y(tick))
        parts.append(
            Markup('<line class="grid" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(LEFT, width - RIGHT, place, place)
        )
        parts.append(_text(LEFT - 6, to_y(tick) + 4, name, "end"))
    parts.append(
        Markup('<line class="axis" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(
            LEFT, width - RIGHT, height - BOTTOM, height - BOTTOM
        )
    )
    last = -math.inf
    for tick in ticks_x:
        if to_x(tick) - last >= 34:  # leave out a number that would touch the one before it
            parts.append(_text(to_x(tick), height - BOTTOM + 16, across.name(tick), "middle"))
            last = to_x(tick)
    parts.append(_text((LEFT + width - RIGHT) / 2, height - 8, across.title, "middle", "title"))
    beside = Markup('<text class="title" text-anchor="middle" transform="translate(13 {}) rotate(-90)">{}</text>')
    parts.append(beside.format(_n((TOP + height - BOTTOM) / 2), up.title))
    return Markup("").join(parts)


def _line(series: Series, to_x: Scale, to_y: Scale) -> Markup:
    parts = [
        Markup('<line class="bar {}" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(
            series.style, _n(to_x(x)), _n(to_x(x)), _n(to_y(low)), _n(to_y(high))
        )
        for x, low, high in series.bars
    ]
    if len(series.points) > 1:
        path = " ".join(f"{_n(to_x(x))},{_n(to_y(y))}" for x, y in series.points)
        parts.append(Markup('<polyline class="line {}" points="{}"/>').format(series.style, path))
    parts += [
        Markup('<circle class="dot {}" cx="{}" cy="{}" r="3"/>').format(series.style, _n(to_x(x)), _n(to_y(y)))
        for x, y in series.points
    ]
    return Markup("").join(parts)


def _svg(title: str, description: str, width: int, height: int, body: Sequence[Markup]) -> Markup:
    frame = Markup(
        '<svg class="figure" role="img" viewBox="0 0 {} {}" width="{}"><title>{}</title><desc>{}</desc>{}</svg>'
    )
    return frame.format(width, height, width, title, description, Markup("").join(body))


def _text(x: float, y: float, text: str, anchor: str, style: str = "tick") -> Markup:
    return Markup('<text class="{}" x="{}" y="{}" text-anchor="{}">{}</text>').format(
        style, _n(x), _n(y), anchor, escape(text)
    )


def _percent(value: float) -> str:
    return f"{100 * value:.0f} %"


def _n(number: float) -> str:
    return f"{number:.1f}"
