"""How near written answers are to the true ones: chrF and BLEU by sacrebleu, ROUGE by rouge-score, from 0 to 100.

chrF and BLEU are measures of a whole corpus: they are computed from sums of counts of each item, so that every resample
of the items has its own. ROUGE is a mean over items.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from headstart.measure.linear import FloatArray
from headstart.measure.scores import Mean

ROUGE = ("rouge1", "rouge2", "rougeL")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, eq=False)
class FromCounts:
    """A corpus measure that is a function of sums of counts (N, S) over items."""

    counts: FloatArray
    score: Callable[[list[float]], float]

    def __call__(self, weights: FloatArray) -> FloatArray:
        return np.array([self.score(sums) for sums in (weights @ self.counts).tolist()], np.float64)

    def by_item(self) -> FloatArray:
        """(N,) the measure of each item by itself."""
        return np.array([self.score(own) for own in self.counts.tolist()], np.float64)


def chrf(answers: Sequence[str], truths: Sequence[str]) -> FromCounts:
    """F2 of letter n-grams up to six letters (Popović 2015): of any script, and needs no words."""
    from sacrebleu import CHRF

    return _by_sacrebleu(CHRF(), answers, truths)


def bleu(answers: Sequence[str], truths: Sequence[str]) -> FromCounts:
    """Precision of word n-grams up to four words, too short answers punished (Papineni et al. 2002), with sacrebleu's
    own words (13a) and smoothing (Post 2018)."""
    from sacrebleu import BLEU

    return _by_sacrebleu(BLEU(), answers, truths)


def _by_sacrebleu(metric: Any, answers: Sequence[str], truths: Sequence[str]) -> FromCounts:
    # its own bootstrap goes the same way: counts of each sentence, summed, then scored
    counts = metric._extract_corpus_statistics(list(answers), [list(truths)])
    return FromCounts(np.array(counts, np.float64), lambda sums: float(metric._compute_score_from_stats(sums).score))


def rouge(answers: Sequence[str], truths: Sequence[str]) -> dict[str, Mean]:
    """F1 of words, of pairs of words, and of the longest common subsequence of words (Lin 2004). Words are those of any
    script in lower case, not stemmed."""
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(list(ROUGE), tokenizer=_Words())
    found = [scorer.score(truth, answer) for answer, truth in zip(answers, truths, strict=True)]
    return {name: Mean(np.array([100 * one[name].fmeasure for one in found], np.float64)) for name in ROUGE}


class _Words:
    """In the place of the library's own tokenizer, which knows the letters a to z alone."""

    def tokenize(self, text: str) -> list[str]:
        return _WORD.findall(text.lower())
