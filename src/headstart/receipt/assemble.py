"""From evidence to proof. The one place where the labels of the test are read."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import pyarrow as pa

from headstart.core import fingerprints, hardware
from headstart.data.table import Examples
from headstart.engine.trained import Cost, Trained
from headstart.receipt import breakdown, details, labels
from headstart.receipt.cautions import cautions, require_frozen
from headstart.receipt.document import (
    VERSION,
    ArmSection,
    ClassCount,
    CostSection,
    CurvePoint,
    Fingerprints,
    FrozenSection,
    LabelEfficiency,
    Measure,
    Mistake,
    Quarantine,
    Range,
    Receipt,
    SourceSection,
    StrategySection,
    TargetSection,
    TaskSection,
    TotalCost,
    TrainableRow,
)
from headstart.receipt.evidence import SCRATCH, Evidence
from headstart.receipt.judged import Judged, Truth, judge, judge_budgets
from headstart.receipt.trainable import frozen_stages, trainable_rows
from headstart.receipt.verdict import decide
from headstart.tasks import Metric, Task

SHARES = frozenset(
    {
        "accuracy",
        "balanced_accuracy",
        "macro_f1",
        "micro_f1",
        "f1",
        "precision",
        "recall",
        "token_accuracy",
        "exact_match",
        "character_accuracy",
        "character_error_rate",
        "word_error_rate",
        "equal_error_rate",
        "answered_f1",
        "unanswered_accuracy",
        "mean_average_precision",
        "hamming_loss",
        "calibration_error",
        "skill",
        "smape",
        "recall_at_10",
        "recall_at_50",
        "ndcg_at_10",
        "recall_of_cold_items",
        "coverage",
    }
)
"""Metrics between 0 and 1 that are read as percentages."""


@dataclass(frozen=True)
class Proof:
    """The receipt, and the answers it was made from."""

    receipt: Receipt
    predictions: pa.Table
    """Rows: the test examples. Columns: id, content, truth, answer, confidence, and `scores_<arm>` for each arm."""
    mistakes: list[Mistake]


NAMED = 3
"""Sets of stages that are named of a head that averages several."""


def prove(evidence: Evidence) -> Proof:
    """Opens the test, once, and says what the adaptation gained.

    Raises:
        TrainingError: the frozen part of an arm changed; the test stays sealed.
    """
    require_frozen(evidence)
    test = evidence.splits.test.open()
    truth = Truth(evidence.task.encode(test.labels(evidence.task.label)), _clusters(test), evidence.seed)
    judged = judge(evidence, truth)
    adapted = judged[0].predictions
    measures = measures_of(judged[0].metrics.values())
    primary = next(measure for measure in measures if measure.name == evidence.task.primary)
    classes = _classes(evidence)
    rows = trainable_rows(
        evidence.outcome.plan,
        evidence.source,
        {name: len(head.weight) for name, head in evidence.outcome.heads.items()},
    )
    found = details.mistakes(evidence.task, adapted, truth, test)
    receipt = Receipt(
        schema_version=VERSION,
        run=evidence.run,
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        versions=hardware.versions(),
        source=_source(evidence),
        target=_target(evidence, truth, classes),
        task=_task(evidence.task, measures),
        strategy=_strategy(evidence, rows),
        arms=[_arm(one, len(truth)) for one in judged],
        baselines_skipped=evidence.baselines_skipped,
        verdict=decide(evidence, judged, truth, primary),
        label_efficiency=_efficiency(evidence, judged, truth, primary, len(classes)),
        confusion=details.confusion(evidence.task, adapted, truth),
        by_label=breakdown.by_label(evidence, adapted, truth),
        by_property=breakdown.by_property(evidence, adapted, truth),
        reliability=details.reliability_bins(adapted, truth),
        mistakes=found,
        frozen=_frozen(evidence.outcome, rows),
        cost=_total(evidence),
        warnings=cautions(evidence, judged, truth, classes, primary),
        seed=evidence.seed,
        fingerprints=_fingerprints(evidence, test),
    )
    return Proof(receipt, details.predictions_table(evidence.task, judged, truth, test), found)


def _clusters(test: Examples) -> list[str] | None:
    """The group of each test example; one without a group is its own."""
    if not test.table.has("group"):
        return None
    groups = test.table.column("group").take(pa.array(test.indices)).to_pylist()
    return [f"group {group}" if group is not None else f"alone {place}" for place, group in enumerate(groups)]


def measures_of(metrics: Iterable[Metric]) -> list[Measure]:
    """How each metric is called and read."""
    return [
        Measure(
            name=metric.name,
            title=metric.title,
            greater_is_better=metric.greater_is_better,
            is_share=metric.name in SHARES,
        )
        for metric in metrics
    ]


def _classes(evidence: Evidence) -> list[ClassCount]:
    """Counts in training and validation together; none where labels are not counted by example."""
    counts = evidence.task.counts(evidence.task.encode(evidence.splits.part("fit").labels(evidence.task.label)))
    if counts is None:
        return []
    return [ClassCount(name=name, count=int(count)) for name, count in zip(evidence.task.labels, counts, strict=True)]


def _source(evidence: Evidence) -> SourceSection:
    known = evidence.source.description
    choice = evidence.outcome.filled.choice
    return SourceSection(
        name=known.name,
        family=known.family,
        architecture=known.architecture,
        modality=known.modality,
        licence=known.card.licence,
        trained_on=known.card.trained_on,
        parameters=known.card.parameters,
        fingerprint=evidence.source.fingerprint,
        runtime=choice.runtime if choice else None,
        runtime_reason=choice.reason if choice else None,
        parity=choice.cosine if choice else None,
    )


def _target(evidence: Evidence, truth: Truth, classes: list[ClassCount]) -> TargetSection:
    splits = evidence.splits
    table = splits.train.table  # the checked table with what the split set aside added to its quarantine
    return TargetSection(
        origin=table.origin,
        read=list(table.contents),
        fingerprint=splits.fingerprint,
        training=len(splits.train),
        validation=len(splits.validation),
        test=len(truth),
        groups=len(set(truth.clusters)) if truth.clusters else None,
        classes=classes,
        quarantine=[Quarantine(id=item.id, reason=item.reason) for item in table.quarantine],
        notes=[*evidence.checked.table.notes, *splits.notes],
    )


def _task(task: Task, measures: list[Measure]) -> TaskSection:
    return TaskSection(
        kind=task.kind,
        label=task.label,
        labels=list(task.labels),
        primary=task.primary,
        measures=measures,
        watched=task.watched,
        things=task.things,
    )


def _strategy(evidence: Evidence, rows: list[TrainableRow]) -> StrategySection:
    plan = evidence.outcome.plan
    return StrategySection(
        name=plan.strategy,
        options=_plain(evidence.recipe.get("options", {})),
        plan=_plain(plan.as_dict()),
        trainable=rows,
    )


def _plain(document: Mapping[str, Any]) -> dict[str, Any]:
    """The same with lists for tuples, as JSON has them."""
    return dict(json.loads(json.dumps(document)))


def _arm(judged: Judged, items: int) -> ArmSection:
    trained = judged.arm.trained
    return ArmSection(
        name=judged.arm.name,
        title=judged.arm.title,
        knows_source=judged.arm.knows_source,
        metrics={name: Range.of(interval) for name, interval in judged.intervals.items()},
        seeds=judged.by_seed(items) if len(judged.seeds) > 1 else [],
        cost=CostSection(**dataclasses.asdict(trained.cost)) if trained else None,
        notes=[*judged.arm.notes, *(_closed_forms(trained) if trained else ())],
        curve=_curve(trained) if trained else [],
        still_improving=judged.arm.still_improving,
    )


def _closed_forms(trained: Trained) -> Iterator[str]:
    """How each head was solved, on which stages and, where several are averaged, by which shares."""
    if trained.plan.trainings and not trained.plan.solved_last:
        return
    for solved in trained.solved.values():
        parts = [one for one in solved.get("tried", ()) if one.get("stages") and one.get("share")]
        parts.sort(key=lambda one: -one["share"])
        told = [f"{one['solver']} on {' + '.join(one['stages'])}" for one in parts]
        if len(parts) > 1:
            told = [f"{100 * one['share']:.0f} % {each}" for one, each in zip(parts, told, strict=True)]
        if len(parts) > NAMED:
            told[NAMED:] = [f"and {len(parts) - NAMED} more"]
        if parts:
            yield f"Head: {'; '.join(told)}"


def _curve(trained: Trained) -> list[CurvePoint]:
    """Evaluations with the time since training began. A closed form is one point: its left-out value."""
    points: list[CurvePoint] = []
    before, last = 0.0, None
    for moment in trained.history:
        if last is not None and (moment.phase != last.phase or moment.step < last.step):
            before += last.seconds
        last = moment
        points.append(
            CurvePoint(
                phase=moment.phase,
                step=moment.step,
                seconds=round(before + moment.seconds, 2),
                items_seen=moment.items_seen,
                loss=moment.loss,
                value=moment.value,
            )
        )
    if not points:
        points = [
            CurvePoint(
                phase="closed form",
                step=0,
                seconds=round(trained.cost.seconds, 2),
                items_seen=0,
                loss=None,
                value=solved.get("left_out_value"),
            )
            for solved in trained.solved.values()
        ]
    return points


def _efficiency(
    evidence: Evidence, judged: Sequence[Judged], truth: Truth, primary: Measure, classes: int
) -> LabelEfficiency:
    every = len(evidence.splits.train) + len(evidence.splits.validation)
    points = judge_budgets(evidence, truth)
    if not points or points[-1][0] < every:
        points.append((every, judged[0].primary(evidence.task)))
    way = evidence.budgets[0].title if evidence.budgets else evidence.adapted.title
    compared = [] if evidence.reads_around_source else judged  # nothing of the source could have saved labels
    scratch = next((one.primary(evidence.task).value for one in compared if one.arm.name == SCRATCH), None)
    return labels.efficiency(points, way, scratch, primary, classes, _floor(evidence.task, judged, truth))


def _floor(task: Task, judged: Sequence[Judged], truth: Truth) -> float:
    """What the best answer reaches that looks at nothing: a trivial baseline's, or always the kind that the test has
    most often, which may be another than in training."""
    known = [one.primary(task).value for one in judged if one.arm.is_trivial]
    if task.of_kinds:
        blind = [task.decode(one.answer((), len(truth))) for one in task.baselines(truth.targets)]
        known += [task.value(answers, truth.targets) for answers in blind]
    return max(known, default=-math.inf)


def _frozen(trained: Trained, rows: list[TrainableRow]) -> FrozenSection:
    frozen = frozen_stages(rows)
    return FrozenSection(
        stages=[row.stage for row in frozen],
        parameters=sum(row.parameters for row in frozen),
        before=trained.frozen_before or None,
        after=trained.frozen_after or None,
        same=trained.frozen_before == trained.frozen_after,
    )


def _total(evidence: Evidence) -> TotalCost:
    costs: list[Cost] = [arm.trained.cost for arm in evidence.arms if arm.trained is not None]
    return TotalCost(
        seconds=evidence.seconds,
        peak_memory=evidence.peak_memory,
        items_seen=sum(cost.items_seen for cost in costs),
        forward_passes=sum(cost.forward_passes for cost in costs),
        backward_passes=sum(cost.backward_passes for cost in costs),
        from_bank=sum(cost.from_bank for cost in costs),
    )


def _fingerprints(evidence: Evidence, test: Examples) -> Fingerprints:
    return Fingerprints(
        recipe=fingerprints.of_json(evidence.recipe),
        plan=evidence.outcome.plan.fingerprint(),
        source=evidence.source.fingerprint,
        target=evidence.splits.fingerprint,
        test=test.fingerprint(),
    )
