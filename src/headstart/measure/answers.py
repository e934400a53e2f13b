"""How well an answer in words agrees with the accepted ones, as SQuAD's official evaluation has it: without articles,
ASCII punctuation, capitals and more than one space (Rajpurkar et al. 2016 and 2018)."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Iterable

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalised(text: str) -> str:
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(answer: str, accepted: Iterable[str]) -> float:
    """1 where the answer is one of the accepted ones, or empty where none is."""
    return _best(answer, accepted, lambda given, wanted: float(given == wanted))


def overlap_f1(answer: str, accepted: Iterable[str]) -> float:
    """F1 of the answer's words and those of the accepted answer that it agrees with most; 1 or 0 where either has no
    words."""
    return _best(answer, accepted, _overlap)


def _best(answer: str, accepted: Iterable[str], agreement: Callable[[str, str], float]) -> float:
    wanted = [one for one in map(normalised, accepted) if one] or [""]
    given = normalised(answer)
    return max(agreement(given, one) for one in wanted)


def _overlap(given: str, wanted: str) -> float:
    given_words, wanted_words = given.split(), wanted.split()
    if not given_words or not wanted_words:
        return float(given_words == wanted_words)
    shared = sum((Counter(given_words) & Counter(wanted_words)).values())
    return 2 * shared / (len(given_words) + len(wanted_words))
