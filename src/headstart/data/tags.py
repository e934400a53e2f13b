"""Tags of words, and the spans they mark: B- begins, I- goes on, E- ends, S- is all of one, O is outside."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

OUTSIDE = "O"
TAG = re.compile(r"O|[BIES]-.+")
Span = tuple[str, int, int]
"""Type, first word, and the word behind the last."""


def is_tag(value: Any) -> bool:
    return isinstance(value, str) and TAG.fullmatch(value) is not None


def are_tags(values: Iterable[Any]) -> bool:
    """Whether lists of labels are tags of words: all look like it, and one marks a span."""
    every = {tag for tags in values for tag in tags or ()}
    return every > {OUTSIDE} and all(map(is_tag, every))


def spans_of(tags: Sequence[str]) -> list[Span]:
    """The spans that a sentence's tags mark, read tolerantly, as conlleval and seqeval do: BIO, BIOES, and IOB1, in
    which I- also begins a span unless the word before belongs to one of its type."""
    found: list[Span] = []
    begun: tuple[str, int] | None = None
    before = OUTSIDE
    for place, tag in enumerate([*tags, OUTSIDE]):
        kind, before_kind = tag[2:], before[2:]
        ends = before[0] in "ES" or (before[0] in "BI" and (tag[0] in "BSO" or kind != before_kind))
        begins = tag[0] in "BS" or (tag[0] in "IE" and (before[0] in "ESO" or kind != before_kind))
        if ends and begun is not None:
            found.append((*begun, place))
            begun = None
        if begins:
            begun = kind, place
        before = tag
    return found


def written(spans: Iterable[Span], words: int, *, ends: bool) -> list[str]:
    """The tags of a sentence of so many words: BIO, or with `ends` BIOES."""
    tags = [OUTSIDE] * words
    for kind, first, behind in spans:
        tags[first:behind] = [f"B-{kind}"] + [f"I-{kind}"] * (behind - first - 1)
        if ends:
            tags[behind - 1] = f"{'S' if behind - first == 1 else 'E'}-{kind}"
    return tags
