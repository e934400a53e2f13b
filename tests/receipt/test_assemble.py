"""The proof against slow, independent computations, and every verdict."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
from tests.receipt.evidence import (
    CLASSES,
    evidence,
    hidden_targets,
    multilabel_evidence,
    plan_of,
    regression_evidence,
    scores_right,
)

from headstart.core.errors import TrainingError
from headstart.data.table import SealedError
from headstart.measure import paired
from headstart.measure.intervals import bootstrap_interval
from headstart.measure.scores import accuracy_statistic
from headstart.receipt.assemble import prove
from headstart.receipt.evidence import PROBE, ZERO_SHOT, Evidence
from headstart.receipt.intervals import intervals
from headstart.receipt.page import render


def test_the_sealed_test_is_opened_exactly_once() -> None:
    given = evidence()
    assert given.splits.test.opened == 0
    with pytest.raises(SealedError):
        given.splits.test.examples.labels()
    prove(given)
    assert given.splits.test.opened == 1


def test_a_gain_is_reported_as_helped_with_its_interval() -> None:
    given = evidence(adapted=0.95, scratch=0.60)
    receipt = prove(given).receipt
    truth = hidden_targets(given.splits, given.task)
    right = [(arm.scores.argmax(axis=1) == truth).mean() for arm in given.arms]
    assert receipt.verdict.answer == "helped"
    assert receipt.verdict.against == "scratch"
    assert receipt.verdict.difference is not None
    assert receipt.verdict.difference.value == pytest.approx(right[0] - right[2], abs=1e-12)
    assert receipt.verdict.sentence == (
        f"Helped: {100 * right[0]:.1f} % accuracy against {100 * right[2]:.1f} % for the same network from random "
        f"weights, a gain of {100 * (right[0] - right[2]):.1f} points (95 % interval "
        f"{100 * (receipt.verdict.difference.low or 0):.1f} to {100 * (receipt.verdict.difference.high or 0):.1f}, "
        "240 test images)."
    )


def test_how_heads_were_solved_is_said_where_nothing_trained_them() -> None:
    tried = [
        {"stages": ["stage2"], "solver": "ridge", "share": 0.7},
        {"stages": ["stage3"], "solver": "lda", "share": 0.0},
        {"stages": ["stage2", "stage3"], "solver": "ridge + lda", "share": 0.3},
    ]
    notes = {}
    for strategy in ("probe", "finetune"):
        given = evidence()
        trained = given.outcome
        trained.plan, trained.solved["label"] = plan_of(given.task, strategy), {"tried": tried}
        notes[strategy] = prove(given).receipt.arms[0].notes
    assert notes["probe"] == ["Head: 70 % ridge on stage2; 30 % ridge + lda on stage2 + stage3"]
    assert notes["finetune"] == [], "it was trained on after that"


@pytest.mark.parametrize(("weights", "around"), [((0, 9), ("stage3",)), ((9, 9), ())])
def test_a_network_that_trained_beside_its_head_is_not_its_help(weights: tuple[int, int], around: tuple[str]) -> None:
    given = evidence()
    stages = [SimpleNamespace(name=f"stage{3 + place}", parameters=size) for place, size in enumerate(weights)]
    given.outcome.source = SimpleNamespace(stages=stages)  # type: ignore[assignment]
    assert given.outcome.plan.trainings and given.reads_around_source == around


def test_a_gain_without_anything_of_the_source_is_not_its_help(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Evidence, "reads_around_source", ("convolutions",))
    better, worse = (prove(evidence(adapted=adapted, scratch=0.8)).receipt for adapted in (0.95, 0.60))
    assert better.verdict.answer == "no evidence" and better.verdict.sentence.startswith("No evidence that it helped: ")
    assert "a gain of 15." in better.verdict.sentence
    assert better.verdict.sentence.endswith("240 test images), but by a head that reads nothing of the source.")
    assert worse.verdict.answer == "hurt" and "reads nothing" not in worse.verdict.sentence


def test_a_loss_is_reported_as_hurt() -> None:
    receipt = prove(evidence(adapted=0.6, scratch=0.9)).receipt
    assert receipt.verdict.answer == "hurt"
    assert "a loss of 30.0 points (95 % interval 2" in receipt.verdict.sentence
    assert receipt.verdict.difference is not None and (receipt.verdict.difference.high or 0) < 0


def test_a_small_difference_is_no_evidence() -> None:
    receipt = prove(evidence(adapted=0.91, scratch=0.9)).receipt
    assert receipt.verdict.answer == "no evidence"
    assert receipt.verdict.sentence.startswith("No evidence that it helped: ")
    assert receipt.verdict.sentence.endswith("that may be luck.")


def test_the_best_arm_without_a_source_is_what_counts() -> None:
    receipt = prove(evidence(adapted=0.9, scratch=0.1)).receipt  # scratch is below the majority class
    assert receipt.verdict.against == "majority"
    assert "the trivial baseline “Majority class (daisy)”" in receipt.verdict.sentence


def test_seeds_count_in_the_verdict() -> None:
    given = evidence(adapted=0.9, scratch=0.85)
    lucky, unlucky = (evidence(adapted=share, scratch=0.85).arms[0].scores for share in (0.97, 0.6))
    arms = (dataclasses.replace(given.arms[0], again=(lucky, unlucky)), *given.arms[1:])
    receipt = prove(dataclasses.replace(given, arms=arms)).receipt
    assert receipt.adapted.seeds == pytest.approx([0.9, 0.97, 0.6], abs=0.005)
    assert receipt.arms[1].seeds == []
    assert receipt.verdict.difference is not None
    assert receipt.verdict.difference.value == pytest.approx(np.mean(receipt.adapted.seeds) - 0.85, abs=0.005)
    assert (receipt.verdict.difference.low or 0) < -0.1  # one seed in three is far worse
    assert receipt.verdict.answer == "no evidence"
    assert "3 seeds" in receipt.verdict.sentence


def test_skipped_baselines_are_said_in_the_sentence() -> None:
    receipt = prove(evidence(scratch=None, budgets=(), baselines_skipped=True)).receipt
    assert receipt.verdict.against == "majority"
    assert "were skipped" in receipt.verdict.sentence
    assert receipt.label_efficiency.worth is None and receipt.label_efficiency.sentence is None


def test_no_labels_are_saved_against_what_always_answers_the_same() -> None:
    given = evidence(labels=["daisy", "daisy", "daisy", "tulip", "tulip"] * 40, scratch=0.5)
    count = len(given.splits.test.examples)
    always = {name: np.tile(np.eye(2)[given.task.labels.index(name)], (count, 1)) for name in given.task.labels}
    answers = {"scratch": always["daisy"], "majority": always["tulip"]}  # as if training had had more tulips
    arms = tuple(dataclasses.replace(arm, scores=answers.get(arm.name, arm.scores)) for arm in given.arms)
    found = prove(dataclasses.replace(given, arms=arms)).receipt.label_efficiency
    assert found.worth is None and found.sentence is not None
    assert "no better than a trivial answer" in found.sentence


def test_intervals_are_those_of_the_plain_bootstrap() -> None:
    given = evidence()
    truth = hidden_targets(given.splits, given.task)
    receipt = prove(given).receipt
    for arm, shown in zip(given.arms, receipt.arms, strict=True):
        for metric in given.task.metrics(given.task.decode(arm.scores), truth)[:4]:
            plain = bootstrap_interval(metric.statistic, len(truth), seed=given.seed)
            found = shown.metrics[metric.name]
            expected = pytest.approx([plain.value, plain.low, plain.high], abs=1e-12)
            assert [found.value, found.low, found.high] == expected
    assert receipt.adapted.metrics["calibration_error"].low is None


@pytest.mark.parametrize("grouping", [None, 8, 240])
def test_joint_intervals_equal_single_ones(grouping: int | None) -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 3, 240)
    groups = None if grouping is None else [str(k // grouping) for k in range(240)]
    statistics = [accuracy_statistic(truth, truth), accuracy_statistic(truth, random.integers(0, 3, 240))]
    joint = intervals(statistics, 240, groups=groups, resamples=300, seed=5)
    for statistic, found in zip(statistics, joint, strict=True):
        single = bootstrap_interval(statistic, 240, groups=groups, resamples=300, seed=5)
        assert dataclasses.astuple(found) == pytest.approx(dataclasses.astuple(single), abs=1e-12)


def test_groups_are_resampled_whole() -> None:
    given = evidence(groups=[f"patient {k // 40}" for k in range(960)])
    receipt = prove(given).receipt
    truth, test = hidden_targets(given.splits, given.task), given.splits.test.examples
    right = [accuracy_statistic(truth, arm.scores.argmax(axis=1)) for arm in given.arms]
    plain = paired.compare(right[0], right[2], len(truth), groups=test.groups(), seed=given.seed)
    assert receipt.target.groups == len(set(test.groups() or ())) < len(truth)
    assert receipt.verdict.difference is not None
    assert receipt.verdict.difference.low == pytest.approx(plain.low, abs=1e-12)
    assert f"of {receipt.target.groups} groups" in receipt.verdict.sentence
    assert any(f"of {receipt.target.groups} groups only" in text for text in receipt.warnings)


def test_examples_without_a_group_stand_alone() -> None:
    receipt = prove(evidence(groups=[f"patient {k // 40}" if k < 80 else None for k in range(960)])).receipt
    assert receipt.target.groups is not None and receipt.target.groups > 100


def test_one_group_alone_gives_no_verdict() -> None:
    given = evidence(groups=[f"clinic {min(k // 720, 1)}" for k in range(960)])
    receipt = prove(given).receipt
    assert receipt.target.groups == 1
    assert receipt.verdict.answer == "no evidence"
    assert receipt.verdict.difference is not None and receipt.verdict.difference.low is None
    assert "too few independent ones" in receipt.verdict.sentence
    page = render(receipt, exhibits={}, looked=[])
    assert "no intervals, since all 240 test images are of one group" in page and "1 groups" not in page
    assert receipt.by_label and "intervals of F1" not in page


def test_a_changed_frozen_part_fails_and_leaves_the_test_sealed() -> None:
    given = evidence()
    given.outcome.frozen_after = "b" * 32
    with pytest.raises(TrainingError, match="were to stay frozen changed"):
        prove(given)
    assert given.splits.test.opened == 0


def test_predictions_hold_every_answer_in_order() -> None:
    given = evidence()
    table = prove(given).predictions
    truth = hidden_targets(given.splits, given.task)
    assert table.column_names == [
        "id",
        "content",
        "truth",
        "answer",
        "confidence",
        "scores_adapted",
        "scores_probe",
        "scores_scratch",
        "scores_majority",
    ]
    assert table.column("id").to_pylist() == given.splits.test.examples.ids()
    assert table.column("truth").to_pylist() == [CLASSES[number] for number in truth]
    assert np.allclose(np.array(table.column("scores_scratch").to_pylist()), given.arms[2].scores, atol=0)
    assert table.column("answer").to_pylist() == [CLASSES[k] for k in given.arms[0].scores.argmax(axis=1)]


def test_mistakes_are_wrong_and_sorted_by_confidence() -> None:
    given = evidence(adapted=0.8)
    proof = prove(given)
    rows = {row["id"]: row for row in proof.predictions.select(["id", "truth", "answer", "confidence"]).to_pylist()}
    wrong = sorted((row["confidence"] for row in rows.values() if row["truth"] != row["answer"]), reverse=True)
    assert [mistake.confidence for mistake in proof.mistakes] == wrong[:12]
    for mistake in proof.mistakes:
        assert (mistake.truth, mistake.answer) == (rows[mistake.id]["truth"], rows[mistake.id]["answer"])
        assert mistake.path == f"photos/{mistake.id}.jpg"


def test_confusion_counts_every_test_example() -> None:
    given = evidence(adapted=0.8)
    found = prove(given).receipt.confusion
    truth, answers = hidden_targets(given.splits, given.task), given.arms[0].scores.argmax(axis=1)
    assert found is not None
    assert found.counts == [
        [int(((truth == row) & (answers == column)).sum()) for column in range(4)] for row in range(4)
    ]
    assert found.most[0].count == max(found.counts[r][c] for r in range(4) for c in range(4) if r != c)


def test_numbers_and_several_labels_are_proven_too() -> None:
    numbers = prove(regression_evidence())
    assert numbers.receipt.verdict.answer == "helped" and numbers.receipt.verdict.metric == "r_squared"
    assert numbers.receipt.confusion is None and numbers.receipt.reliability == []
    table = numbers.predictions
    apart = np.abs(np.array(table.column("truth")) - np.array(table.column("answer")))
    assert numbers.mistakes[0].id == table.column("id")[int(apart.argmax())].as_py()
    assert numbers.mistakes[0].confidence is None
    several = prove(multilabel_evidence())
    assert several.receipt.verdict.answer == "helped"
    assert several.receipt.confusion is None
    assert all(mistake.truth != mistake.answer for mistake in several.mistakes)
    assert {one.name for one in several.receipt.target.classes} == {"a", "b", "c"}


def test_curve_seconds_go_on_over_phases() -> None:
    receipt = prove(evidence()).receipt
    seconds = [point.seconds for point in receipt.adapted.curve]
    assert seconds == sorted(seconds) and seconds[-1] == pytest.approx(12.4, abs=0.02)


def test_costs_of_arms_are_summed() -> None:
    given = evidence()
    receipt = prove(given).receipt
    costs = [arm.trained.cost for arm in given.arms if arm.trained]
    assert receipt.cost.backward_passes == sum(cost.backward_passes for cost in costs) > 0
    assert receipt.cost.seconds == given.seconds and receipt.cost.peak_memory == given.peak_memory


@pytest.mark.parametrize(("untrained", "warned"), [(0.94, True), (0.7, False)])
def test_a_gain_over_the_untrained_source_that_may_be_luck_is_called_that(untrained: float, warned: bool) -> None:
    given = evidence(adapted=0.95)
    arm = given.arm(PROBE)
    assert arm is not None
    targets = hidden_targets(given.splits, given.task)
    zero_shot = dataclasses.replace(
        arm, name=ZERO_SHOT, title="Untrained", scores=scores_right(targets, 4, untrained, 9)
    )
    told = prove(dataclasses.replace(given, arms=(*given.arms, zero_shot))).receipt.warnings
    assert any(text.startswith("What training gained over “Untrained” may be luck: ") for text in told) == warned


def test_warnings_name_what_is_wrong() -> None:
    few = prove(evidence(120, adapted=0.9, probe=0.97)).receipt.warnings
    assert any(text.startswith("Only ") and "test examples" in text for text in few)
    assert any("random weights was still improving" in text for text in few)
    worse = prove(evidence(adapted=0.7, probe=0.95)).receipt.warnings
    assert any("Do not tune: use --strategy probe" in text and "luck" not in text for text in worse)
    swapped = prove(evidence(adapted=0.05)).receipt.warnings
    assert any("labels in the wrong order" in text for text in swapped)
    uneven = prove(evidence(labels=["a"] * 800 + ["b"] * 160)).receipt
    assert uneven.task.primary == "balanced_accuracy"
    assert any(text.startswith("Classes are unequal: 600 training labels of “a”") for text in uneven.warnings)
    assert prove(evidence(scratch=None, warnings=("The disk is slow.",))).receipt.warnings == ["The disk is slow."]
