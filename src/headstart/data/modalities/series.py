"""Time series: values at even steps, of one channel or several that go together."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageDraw
from numpy.typing import NDArray

from headstart.data.contents import Unreadable
from headstart.data.facts import Facts

LENGTHS = ((50, "up to 50 steps"), (200, "51 to 200 steps"), (1000, "201 to 1,000 steps"))
LONGER = "over 1,000 steps"
SHOWN = (240, 96)
"""Width and height, in pixels, of what people are shown."""
COLOURS = ("#2f6f9f", "#c2571a", "#3f7f4f", "#7a4fa0", "#8a6d1f", "#5b5b5b")
NUMPY = b"\x93NUMPY"
SMALLEST = 1e-9
"""Share of its level below which a series that varies is taken for one that does not."""


class Series:
    """The modality of series."""

    name = "series"
    suffixes = (".npy",)
    told_apart = ("length",)
    quick = True
    levels = False
    gaps = True

    def recognises(self, content: Any) -> bool:
        """Whether it is one row of numbers; several channels are told from a picture only by being asked for."""
        return isinstance(content, np.ndarray) and content.ndim == 1 and content.dtype.kind in "fiu"

    def decode(self, content: Any, size: int | None = None) -> NDArray[np.float64]:
        """(channels, T), missing values between others on the line that joins these.

        Args:
            content: numbers (T,) or (channels, T), or the bytes of a NumPy file with such.

        Raises:
            Unreadable: with the reason.
        """
        del size
        return filled(_numbers(content))

    def examine(self, content: Any) -> Facts:
        """Whether there is a value in every channel; length, channels, how much is missing, and whether it varies."""
        try:
            values = _numbers(content)
            whole = filled(values)
        except Unreadable as problem:
            return Facts(problem=str(problem))
        properties = [
            ("channels", str(len(values))),
            ("length", next((name for most, name in LENGTHS if values.shape[1] <= most), LONGER)),
            ("missing", _missing(values)),
        ]
        if np.all(whole == whole[:, :1]):
            properties.append(("constant", "yes"))
        return Facts(properties=tuple(properties))

    def show(self, content: Any) -> PIL.Image.Image:
        """A line for each channel, all on one scale."""
        return lines(self.decode(content))


def filled(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(channels, T) with missing values on the line between their neighbours; at the ends, as the nearest value.

    Raises:
        Unreadable: a channel without any value.
    """
    missing = np.isnan(values)
    if not missing.any():
        return values
    places, found = np.arange(values.shape[1]), values.copy()
    for channel, holes in enumerate(missing):
        if holes.all():
            of_several = f" in channel {channel + 1} of {len(values)}" if len(values) > 1 else ""
            raise Unreadable(f"all of its {values.shape[1]} values are missing{of_several}")
        found[channel, holes] = np.interp(places[holes], places[~holes], values[channel, ~holes])
    return found


def past(content: Any) -> tuple[NDArray[np.float64], float, float]:
    """The values (T,) of one channel that go ahead of what is to be told, their level and their scale.

    Raises:
        Unreadable: there are none, or several channels.
    """
    values = filled(_numbers(content))
    if len(values) > 1:
        raise Unreadable(f"{len(values)} channels, and one series is told at a time")
    return values[0], *level_and_scale(values[0])


def level_and_scale(values: NDArray[np.float64]) -> tuple[float, float]:
    """Mean and standard deviation of the values (T,): the units in which sources see a series. One that does not vary
    is scaled by its level, or not at all."""
    level = float(np.mean(values))
    scale = float(np.std(values))
    if scale > SMALLEST * max(abs(level), SMALLEST):
        return level, scale
    return level, abs(level) or 1.0


def resampled(values: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """(length,) of the same course: on lines between values, or means where there are more of them."""
    if len(values) <= length:
        return np.interp(np.linspace(0, len(values) - 1, length), np.arange(len(values)), values)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    edges = np.interp(np.linspace(0, len(values), length + 1), np.arange(len(sums)), sums)
    return np.asarray(np.diff(edges) * (length / len(values)))


def lines(values: NDArray[np.float64]) -> PIL.Image.Image:
    """A picture of (channels, T), time from left to right."""
    width, height = SHOWN
    picture = PIL.Image.new("RGB", SHOWN, "white")
    drawn = PIL.ImageDraw.Draw(picture)
    low, high = float(values.min()), float(values.max())
    across = np.linspace(2, width - 3, values.shape[1])
    for channel, row in enumerate(values):
        up = height - 4 - (row - low) / ((high - low) or 1.0) * (height - 8)
        points = list(zip(across.tolist(), up.tolist(), strict=True))
        drawn.line(points if len(points) > 1 else points * 2, fill=COLOURS[channel % len(COLOURS)], width=1)
    return picture


def _numbers(content: Any) -> NDArray[np.float64]:
    """(channels, T), nan where a value is missing."""
    if isinstance(content, (bytes, bytearray, memoryview)):
        content = _opened(bytes(content))
    try:
        values = np.asarray(content, np.float64)
    except (TypeError, ValueError):
        raise Unreadable(f"no row of numbers but a {type(content).__name__}") from None
    if values.ndim not in (1, 2):
        raise Unreadable(f"numbers of shape {values.shape}; give (time,) or (channels, time)")
    if not values.size:
        raise Unreadable("it has no values")
    if np.isinf(values).any():
        raise Unreadable("it has values that are infinite")
    return values.reshape(-1, values.shape[-1])


def _opened(content: bytes) -> NDArray[Any]:
    if not content:
        raise Unreadable("the file is empty")
    if not content.startswith(NUMPY):
        raise Unreadable(f"not a NumPy file: it starts with the bytes {content[:8].hex(' ')}")
    try:
        return np.asarray(np.load(io.BytesIO(content), allow_pickle=False))
    except (ValueError, OSError, EOFError) as problem:
        raise Unreadable(f"not a whole NumPy file of numbers ({problem})") from None


def _missing(values: NDArray[np.float64]) -> str:
    share = float(np.isnan(values).mean())
    if not share:
        return "none"
    return "over half" if share > 0.5 else "10 to 50 %" if share > 0.1 else "under 10 %"
