"""What the page shows of one example: a picture, a text, or words with weights."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, Union

from headstart.tasks.presenting import Course

if TYPE_CHECKING:
    from markupsafe import Markup
    from PIL.Image import Image

PICTURE_SIDE = 160
PICTURE_QUALITY = 78
LETTERS = 400
"""Of a text that are shown."""
STRONGEST = 55
"""Percent of colour behind the heaviest word: it has to stay readable."""


@dataclass(frozen=True)
class Weighed:
    """Words in their order, each with its weight from -1 (against the answer) to 1 (for it)."""

    words: tuple[tuple[str, float], ...]


Exhibit: TypeAlias = Union["Image", str, Weighed, Course]


def markup(exhibit: Exhibit, what: str) -> Markup:
    """`exhibit` as HTML; `what` is said to those who cannot see it."""
    from markupsafe import Markup

    if isinstance(exhibit, str):
        short = exhibit if len(exhibit) <= LETTERS else exhibit[:LETTERS].rsplit(" ", 1)[0] + " …"
        return Markup('<blockquote class="text">{}</blockquote>').format(short)
    if isinstance(exhibit, Course):
        from headstart.receipt.courses import course_figure

        return course_figure(exhibit, what)
    if isinstance(exhibit, Weighed):
        return Markup('<p class="text">{}</p>').format(Markup(" ").join(_word(*pair) for pair in exhibit.words))
    return Markup('<img src="{}" alt="{}">').format(data_address(exhibit), what)


def _word(word: str, weight: float) -> Markup:
    from markupsafe import Markup

    if abs(weight) < 0.1:
        return Markup("{}").format(word)
    kind = "for" if weight > 0 else "against"
    return Markup('<mark class="{}" style="--weight:{}%">{}</mark>').format(kind, round(STRONGEST * abs(weight)), word)


def data_address(picture: Image) -> str:
    """The picture inside its own address: a small JPEG."""
    small = picture.convert("RGB")
    small.thumbnail((PICTURE_SIDE, PICTURE_SIDE))
    stream = io.BytesIO()
    small.save(stream, "JPEG", quality=PICTURE_QUALITY, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
