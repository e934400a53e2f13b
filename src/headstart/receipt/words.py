"""Numbers as people read them, and the few nouns that sentences need."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from pydantic import JsonValue

from headstart.core.wording import counted
from headstart.receipt.document import LabelPoint, Measure, Mistake, Range

NOUNS = {
    "image": "images",
    "text": "texts",
    "audio": "recordings",
    "series": "series",
    "interactions": "users",
}
"""What the examples of a modality are called; "examples" where it is not known."""
UNKNOWN = "not known"


def noun(modality: str, things: str = "") -> str:
    """What examples are called: as the task does, or by what they hold."""
    return things or NOUNS.get(modality, "examples")


def named(place: str) -> str:
    """A source or target as people call it: of a folder or file on this machine, its last part only."""
    return PurePath(place).name or place if PurePath(place).is_absolute() else place


def amount(value: float | None, measure: Measure) -> str:
    """A metric's value: 96.7 % for shares, 0.412 for numbers."""
    if value is None:
        return UNKNOWN
    return f"{in_hundredths(value)} %" if measure.is_share else plain(value)


def in_hundredths(value: float) -> str:
    """96.7 for 0.967."""
    return f"{100 * value:.1f}".replace("-", "−")


def difference(value: float, measure: Measure) -> str:
    """The size of a difference of two values: 35.4 points for shares, 0.12 for numbers."""
    return f"{100 * abs(value):.1f} points" if measure.is_share else plain(abs(value))


def signed(value: float | None, measure: Measure) -> str:
    """`+35.4 points`, `−0.120`."""
    return UNKNOWN if value is None else f"{'−' if value < 0 else '+'}{difference(value, measure)}"


def in_sentence(measure: Measure) -> str:
    """A metric's title inside a sentence: accuracy, but R²."""
    return lower_first(measure.title) if measure.is_share else measure.title


def heading(measure: Measure) -> str:
    """A metric above a column; an arrow where less is better."""
    return measure.title if measure.greater_is_better else f"{measure.title} ↓"


def bounds(given: Range | LabelPoint, measure: Measure) -> str:
    """`29.2 to 41.7`, without a unit; empty when there is no interval."""
    if given.low is None and given.high is None:
        return ""
    written = in_hundredths if measure.is_share else plain
    return " to ".join(UNKNOWN if end is None else written(end) for end in (given.low, given.high))


def plain(value: float) -> str:
    """Three significant digits, without an exponent where that stays short."""
    digits = 3 if abs(value) < 10 else 1 if abs(value) < 1000 else 0
    text = f"{value:.{digits}f}" if value == 0 or 1e-3 <= abs(value) < 1e6 else f"{value:.3g}"
    return text.replace("-", "−")


def count(number: int, things: str) -> str:
    """`1,200 images`; the singular for one."""
    return counted(number, things if things == "series" else things.removesuffix("s"), things)


def seeds(given: Sequence[float], measure: Measure) -> str:
    """`3 seeds: 96.7, 95.8 and 96.2 %`: what an arm reached with each; empty for one."""
    if not given:
        return ""
    unit = " %" if measure.is_share else ""
    return f"{len(given)} seeds: {listed([amount(value, measure).removesuffix(unit) for value in given])}{unit}"


def short(number: float) -> str:
    """11.2 M, 512 k, 940."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(number) >= size:
            return f"{number / size:.1f} {letter}"
    return f"{number:,.0f}"


def duration(seconds: float) -> str:
    """4.2 s, 3 min 12 s, 2 h 5 min."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{int(seconds // 60)} min {int(seconds % 60)} s"
    return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60)} min"


def size(given: float) -> str:
    """Bytes as 1.4 GB."""
    for unit, letters in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if given >= unit:
            return f"{given / unit:.{1 if unit == 1e9 or given < 10 * unit else 0}f} {letters}"
    return f"{given:.0f} bytes"


def lower_first(title: str) -> str:
    """A title inside a sentence; acronyms and names such as MiniROCKET stay as they are."""
    is_name = title[1:2].isdigit() or any(letter.isupper() for letter in title.partition(" ")[0][1:])
    return title if is_name else title[:1].lower() + title[1:]


def listed(names: Sequence[str]) -> str:
    """`a, b and c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def titles(names: Sequence[object]) -> str:
    """`Emma; Eat, Pray, Love`: names, which may have commas of their own."""
    return "; ".join(map(str, names))


def of_mistakes(first: Mistake) -> str:
    """What a list of mistakes is called, by its first."""
    if first.truth is None:
        return "Least expected"
    return "Farthest from the truth" if first.confidence is None else "Most confident mistakes"


def is_ranked(mistake: Mistake) -> bool:
    """Whether the answer lists, from the best down, what may be the one truth."""
    return isinstance(mistake.answer, list) and isinstance(mistake.truth, str)


def answer(given: JsonValue) -> str:
    """A label, labels or a number as a person reads it."""
    if isinstance(given, list):
        return titles(given) or "none"
    return plain(given) if isinstance(given, float) else str(given)
