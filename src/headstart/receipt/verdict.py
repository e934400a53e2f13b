"""Did the source help? The answer, and the sentence that says it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from headstart.measure import paired
from headstart.receipt import words
from headstart.receipt.document import Measure, Range, VerdictSection
from headstart.receipt.evidence import Evidence
from headstart.receipt.intervals import primary_resamples, unbounded
from headstart.receipt.judged import Judged, Truth

SKIPPED = (
    "The costly baselines were skipped: this compares with a trivial answer, and does not say what the same network "
    "would reach from random weights."
)
LEAD = {"helped": "Helped", "hurt": "Hurt", "no evidence": "No evidence that it helped"}


def decide(evidence: Evidence, judged: Sequence[Judged], truth: Truth, measure: Measure) -> VerdictSection:
    """Adapted against the best arm that knows no source, paired over the test examples or their groups; over seeds too,
    where arms were trained with several. A head that reads nothing of the source may be better than these, but then the
    source did not help."""
    resamples = primary_resamples(len(truth), truth.columns)
    best = best_without_source(judged, len(truth))
    if best is None:
        return VerdictSection(
            answer="no evidence",
            metric=measure.name,
            against=None,
            difference=None,
            resamples=resamples,
            sentence="No evidence: there is no baseline to compare with.",
        )
    found = paired.compare_seeds(
        judged[0].seeds,
        best.seeds,
        len(truth),
        groups=truth.clusters,
        resamples=resamples,
        seed=truth.seed,
    )
    gain = Range.of(found)
    outcome = paired.verdict(found)
    is_around = outcome == "helped" and bool(evidence.reads_around_source)
    answer = "no evidence" if is_around else outcome
    reached, other = (Range.of(unbounded(_mean(one, len(truth)))).value for one in (judged[0], best))
    lead = f"{LEAD[answer]}: {_reached(reached, measure)} against {words.amount(other, measure)} for {_name(best)}"
    seeds = max(len(one.seeds) for one in (judged[0], best))
    sentence = _sentence(outcome, lead, gain, measure, _sample(evidence, truth, seeds))
    if is_around:
        sentence = f"{sentence.removesuffix('.')}, but by a head that reads nothing of the source."
    if evidence.baselines_skipped:
        sentence = f"{sentence} {SKIPPED}"
    return VerdictSection(
        answer=answer,
        metric=measure.name,
        against=best.arm.name,
        difference=gain,
        resamples=resamples,
        sentence=sentence,
    )


def best_without_source(judged: Sequence[Judged], items: int) -> Judged | None:
    def rank(one: Judged) -> float:
        value = _mean(one, items)
        return -math.inf if math.isnan(value) else value

    return max((one for one in judged[1:] if not one.arm.knows_source), key=rank, default=None)


def _mean(judged: Judged, items: int) -> float:
    """Of the primary metric over the seeds."""
    return float(np.mean(judged.by_seed(items)))


def _sample(evidence: Evidence, truth: Truth, seeds: int) -> str:
    """`240 test images`, `240 test images of 31 groups, 3 seeds`."""
    test = words.count(len(truth), f"test {words.noun(evidence.source.description.modality, evidence.task.things)}")
    grouped = f"{test} of {words.count(len(set(truth.clusters)), 'groups')}" if truth.clusters else test
    return f"{grouped}, {seeds} seeds" if seeds > 1 else grouped


def _sentence(answer: paired.Verdict, lead: str, gain: Range, measure: Measure, sample: str) -> str:
    if gain.value is None:
        return f"{lead}; the difference is not defined on {sample}."
    if gain.low is None or gain.high is None:
        return (
            f"{lead}, a difference of {words.signed(gain.value, measure)}; {sample} are too few independent ones "
            "to say how much of that is luck."
        )
    if answer == "hurt":
        loss = Range(value=-gain.value, low=-gain.high, high=-gain.low)
        return f"{lead}, a loss of {words.difference(gain.value, measure)} ({_interval(loss, measure)}, {sample})."
    if answer == "helped":
        return f"{lead}, a gain of {words.difference(gain.value, measure)} ({_interval(gain, measure)}, {sample})."
    return (
        f"{lead}, a difference of {words.signed(gain.value, measure)} ({_interval(gain, measure)}, {sample}) "
        "that may be luck."
    )


def _reached(value: float | None, measure: Measure) -> str:
    """`96.7 % accuracy`, `R² 0.412`."""
    if measure.is_share:
        return f"{words.amount(value, measure)} {words.in_sentence(measure)}"
    return f"{measure.title} {words.amount(value, measure)}"


def _name(best: Judged) -> str:
    """An arm inside a sentence; trivial baselines are named as such."""
    if best.arm.is_trivial:
        return f"the trivial baseline “{best.arm.title}”"
    return words.lower_first(best.arm.title)


def _interval(given: Range, measure: Measure) -> str:
    return f"95 % interval {words.bounds(given, measure)}"
