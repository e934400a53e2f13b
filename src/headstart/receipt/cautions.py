"""What a reader should be warned of before trusting or using the result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from headstart.core.errors import TrainingError
from headstart.measure import paired
from headstart.receipt import words
from headstart.receipt.document import ClassCount, Measure, Range
from headstart.receipt.evidence import PROBE, SCRATCH, ZERO_SHOT, Evidence
from headstart.receipt.intervals import secondary_resamples
from headstart.receipt.judged import Judged, Truth

FEW_ITEMS = 50
"""Test examples below which intervals are so wide that only large gains can be seen."""
FEW_GROUPS = 10
"""Groups of test examples below which resampling them says little."""
PLAINER = "It knows no source, costs next to nothing, and is the better choice here as long as that is so."
"""Advice where something without a network did better."""
IMBALANCE = 3.0
"""Largest class over smallest from which plain accuracy misleads."""


def require_frozen(evidence: Evidence) -> None:
    """Refuses a run whose frozen part changed.

    Raises:
        TrainingError: the digests before and after differ.
    """
    for arm in evidence.arms:
        if arm.trained is not None and arm.trained.frozen_before != arm.trained.frozen_after:
            raise TrainingError(
                f"Stages that were to stay frozen changed in training ({arm.name}: digest "
                f"{arm.trained.frozen_before[:12] or 'none'} before, {arm.trained.frozen_after[:12] or 'none'} after). "
                "The result cannot be trusted and no receipt is made; please report this with the recipe."
            )


def cautions(
    evidence: Evidence, judged: Sequence[Judged], truth: Truth, classes: Sequence[ClassCount], measure: Measure
) -> list[str]:
    """Warnings, those of the run first."""
    return [
        *evidence.warnings,
        *_suspicious(evidence, judged, truth, classes, measure),
        *_few(truth),
        *_nothing_taken(evidence),
        *_as_good_untuned(judged, truth, measure),
        *_unfinished(evidence),
        *_untested(truth, classes),
        *_unequal(truth, classes, measure),
    ]


def _suspicious(
    evidence: Evidence, judged: Sequence[Judged], truth: Truth, classes: Sequence[ClassCount], measure: Measure
) -> Iterator[str]:
    adapted = judged[0].intervals[measure.name].value
    has_order = evidence.task.labelled and not evidence.task.reader  # windows are cut with what comes after them
    order = ", or labels in the wrong order: look at some side by side." if has_order else "."
    check = f"There may be too few examples to learn from{order}"
    for one in (arm for arm in judged[1:] if arm.arm.is_trivial):
        value = one.intervals[measure.name].value
        if adapted < value:
            yield (
                f"The adapted model ({words.amount(adapted, measure)}) is below the trivial baseline "
                f"“{one.arm.title}” ({words.amount(value, measure)}). {check}"
            )
            return
    if truth.has_classes and "accuracy" in judged[0].intervals and len(classes) > 1:
        accuracy = judged[0].intervals["accuracy"].value
        if accuracy < 1 / len(classes):
            yield f"The adapted model is right in {100 * accuracy:.1f} %, below chance (1 in {len(classes)}). {check}"


def _nothing_taken(evidence: Evidence) -> Iterator[str]:
    if read := evidence.reads_around_source:
        yield (
            f"The head reads {words.listed(read)} alone, and so nothing that the source learned: with that beside it, "
            "examples that it was not fitted on were told less well."
        )


def _few(truth: Truth) -> Iterator[str]:
    groups = len(set(truth.clusters or ()))
    if 1 < groups < FEW_GROUPS:
        yield (
            f"The test examples are of {words.count(groups, 'groups')} only: intervals resample these, and so few say "
            "little of new ones."
        )
    if len(truth) < FEW_ITEMS:
        yield (
            f"Only {words.count(len(truth), 'test examples')}: intervals are wide, and only large differences "
            "can be seen. More test examples would say more than more training."
        )


def _as_good_untuned(judged: Sequence[Judged], truth: Truth, measure: Measure) -> Iterator[str]:
    """Arms that took less effort and did better, and the untrained source where what training gained may be luck."""
    adapted = judged[0]
    advice = {
        PROBE: "Do not tune: use --strategy probe, which is also cheaper.",
        ZERO_SHOT: "Do not tune: use the source as it is.",
    }
    advice |= {one.arm.name: PLAINER for one in judged[1:] if one.arm.fitted}
    for one in judged[1:]:
        behind = adapted.intervals[measure.name].value < one.intervals[measure.name].value
        if one.arm.name not in advice or not (behind or one.arm.name == ZERO_SHOT):
            continue
        better, other = (one, adapted) if behind else (adapted, one)
        found = Range.of(
            paired.compare(
                better.metrics[measure.name].statistic,
                other.metrics[measure.name].statistic,
                len(truth),
                groups=truth.clusters,
                resamples=secondary_resamples(len(truth), truth.columns),
                seed=truth.seed,
            )
        )
        is_clear = found.low is not None and found.low > 0
        by = f"{words.difference(found.value or 0.0, measure)} (95 % interval "
        by += f"{words.bounds(found, measure) or words.UNKNOWN})."
        if behind:
            clear = "" if is_clear else " That difference may be luck."
            yield f"“{one.arm.title}” did better than the adapted model, by {by}{clear} {advice[one.arm.name]}"
        elif not is_clear:
            yield f"What training gained over “{one.arm.title}” may be luck: {by}"


def _unfinished(evidence: Evidence) -> Iterator[str]:
    scratch = evidence.arm(SCRATCH)
    if scratch is not None and scratch.still_improving:
        yield (
            "The network from random weights was still improving when its time was up: with more time it might come "
            "closer. Give it more with --baseline-budget."
        )
    if evidence.adapted.still_improving:
        yield "The adapted model was still improving when training ended: more epochs may help."


def _untested(truth: Truth, classes: Sequence[ClassCount]) -> Iterator[str]:
    """Classes that no test example has."""
    if not truth.has_classes:
        return
    absent = [one.name for number, one in enumerate(classes) if not (truth.targets == number).any()]
    if absent:
        named = words.listed([f"“{name}”" for name in absent[:5]])
        more = f" and {len(absent) - 5} more" if len(absent) > 5 else ""
        yield f"No test example of {named}{more}: how well such examples are recognised is not known. Add some."


def _unequal(truth: Truth, classes: Sequence[ClassCount], measure: Measure) -> Iterator[str]:
    if not truth.has_classes or len(classes) < 2:
        return
    largest, smallest = max(classes, key=lambda one: one.count), min(classes, key=lambda one: one.count)
    if largest.count > IMBALANCE * smallest.count:
        decides = (
            f" {measure.title} decides, in which every class counts the same."
            if measure.name != "accuracy"
            else " Accuracy hides how the small classes fare: read balanced accuracy too."
        )
        yield (
            f"Classes are unequal: {largest.count} training labels of “{largest.name}”, {smallest.count} of "
            f"“{smallest.name}”.{decides}"
        )
