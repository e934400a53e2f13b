"""A synthetic evidence: generated answers of a source that is nothing but a description. No network, no torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from headstart.bank import Filled
from headstart.data.checks import Checked
from headstart.data.splits import Splits, split
from headstart.data.table import Quarantined, Table
from headstart.engine.plan import Head, Length, Plan, Solve, Stream, Train
from headstart.engine.trained import Cost, LinearHead, Moment, Trained
from headstart.receipt.evidence import Arm, BudgetPoint, Evidence
from headstart.sources.contract import Artefact, Source
from headstart.sources.description import Description, SourceCard, Stage
from headstart.sources.inputs import Inputs
from headstart.tasks import Task, choose

CLASSES = ("daisy", "rose", "sunflower", "tulip")


class Paper(Source):
    """A source that has only a description."""

    def __init__(self, stages: int = 3) -> None:
        slices = tuple(
            Stage(f"stage{k}", (f"layer{k}",), f"layer{k}", "map", (16, 4, 4), 16, 1000 * 4**k)
            for k in range(1, stages + 1)
        )
        self.description = Description(
            "made-up/net",
            "made-up",
            "net",
            "image",
            "f" * 32,
            slices,
            "fc",
            10,
            (),
            {"height": 8, "width": 8},
            SourceCard("apache-2.0", "ImageNet-1k", sum(stage.parameters for stage in slices), 12_000_000),
        )

    def prepare(self, content: Any) -> Inputs:
        raise AssertionError("nothing is prepared for a receipt")

    def view(self, content: Any, view: int, key: str) -> Inputs:
        raise AssertionError("nothing is prepared for a receipt")

    def collate(self, inputs: Sequence[Inputs]) -> Inputs:
        raise AssertionError("nothing is prepared for a receipt")

    def noise(self, count: int) -> Inputs:
        raise AssertionError("nothing is computed for a receipt")

    def input_shape(self) -> tuple[int, ...]:
        return (3, 8, 8)

    def entry(self) -> Any:
        raise AssertionError("nothing is computed for a receipt")

    def module(self) -> Any:
        raise AssertionError("nothing is computed for a receipt")

    def weights(self) -> dict[str, Any]:
        raise AssertionError("nothing is computed for a receipt")

    def artefact(self, labels: Sequence[str], outputs: int) -> Artefact:
        return Artefact({}, (), "")

    def from_random(self, seed: int) -> Source:
        return self


def table_of(labels: Sequence[Any], groups: Sequence[str | None] | None = None) -> Checked:
    """Contents that exist in name only, with these labels."""
    columns: dict[str, Any] = {
        "id": [f"{k:05d}" for k in range(len(labels))],
        "path": [f"photos/{k:05d}.jpg" for k in range(len(labels))],
        "label": list(labels),
    }
    if groups is not None:
        columns["group"] = list(groups)
    table = Table(
        pa.table(columns),
        "photos",
        "image",
        quarantine=(Quarantined("broken.jpg", "it is empty"),),
        notes=("2 exact duplicates; copies of one content stay in one part.",),
    )
    return Checked(table, [f"key{k}" for k in range(len(labels))], np.arange(len(labels)), {})


def class_labels(items: int, classes: Sequence[str] = CLASSES) -> list[str]:
    return [classes[k % len(classes)] for k in range(items)]


def hidden_targets(splits: Splits, task: Task) -> np.ndarray[Any, Any]:
    """Test targets, to make answers of a wanted quality from; reads the table beside the seal."""
    column = splits.test.examples.table.column(task.label).take(pa.array(splits.test.examples.indices))
    return task.encode(column.to_pylist())


def scores_right(targets: np.ndarray[Any, Any], classes: int, share: float, seed: int) -> np.ndarray[Any, Any]:
    """Scores (N, K) of which `share` have the true class on top."""
    random = np.random.default_rng(seed)
    scores = random.normal(0, 0.5, (len(targets), classes))
    right = np.arange(len(targets)) < round(share * len(targets))
    random.shuffle(right)
    answers = np.where(right, targets, (targets + 1 + random.integers(0, classes - 1, len(targets))) % classes)
    scores[np.arange(len(targets)), answers] += 3 + random.normal(0, 0.5, len(targets))
    return scores


def plan_of(task: Task, strategy: str = "finetune") -> Plan:
    head = Head("label", task.describe(), ("stage3",), "solved")
    solve = Solve("label", "train", (("stage3",),))
    if strategy == "probe":
        return Plan("probe", (), (head,), (solve,))
    stream = Stream("target", "train", ("label",))
    warm = Train("head first", (("label", 1e-3),), ("target",), Length(epochs=2))
    deep = Train("finetune", (("stage3", 3e-4), ("label", 1e-3)), ("target",), Length(epochs=10))
    return Plan(strategy, (stream,), (head,), (solve, warm, deep))


def trained_of(source: Source, task: Task, strategy: str, start: float, gain: float, seconds: float) -> Trained:
    moments = [
        Moment(
            phase,
            step,
            seconds / 2 * step / 40,
            32 * step,
            1.2 / (1 + step / 10),
            start + gain * (1 - np.exp(-(step + offset) / 30)),
        )
        for phase, offset in (("head first", 0), ("finetune", 40))
        for step in range(0, 41, 10)
    ]
    head = LinearHead(("stage3",), np.zeros((16, task.outputs)), np.zeros(task.outputs))
    return Trained(
        plan_of(task, strategy),
        source,
        {"label": task},
        {"label": head},
        {},
        moments,
        Cost(seconds, 2560, 3200, 2560, 480),
        "a" * 32,
        "a" * 32,
        filled=Filled(480, 240),
    )


def evidence(
    items: int = 960,
    *,
    adapted: float = 0.95,
    scratch: float | None = 0.61,
    probe: float | None = 0.93,
    labels: Sequence[Any] | None = None,
    groups: Sequence[str | None] | None = None,
    budgets: Sequence[tuple[int, float]] = ((20, 0.55), (80, 0.78), (240, 0.9)),
    seed: int = 0,
    **changes: Any,
) -> Evidence:
    """A classification with arms of the given accuracies."""
    checked = table_of(labels if labels is not None else class_labels(items), groups)
    splits = split(checked, seed=seed)
    task = choose(splits.train)
    source = Paper()
    targets = hidden_targets(splits, task)
    rest = splits.part("fit")
    trivial = task.baselines(task.encode(rest.labels("label")))[0]
    arms = [
        Arm(
            "adapted",
            "Fine-tuned",
            True,
            scores_right(targets, task.outputs, adapted, 1),
            trained_of(source, task, "finetune", 0.7, 0.25, 12.4),
        )
    ]
    if probe is not None:
        arms.append(
            Arm("probe", "Closed-form head on frozen features", True, scores_right(targets, task.outputs, probe, 2))
        )
    if scratch is not None:
        arms.append(
            Arm(
                "scratch",
                "The same network from random weights",
                False,
                scores_right(targets, task.outputs, scratch, 3),
                trained_of(source, task, "scratch", 0.25, 0.35, 60.0),
                ("It was given 60 s.",),
                True,
            )
        )
    arms.append(Arm(trivial.name, trivial.title, False, np.repeat(trivial.scores, len(targets), axis=0)))
    points = tuple(
        BudgetPoint(count, scores_right(targets, task.outputs, share, 4 + place))
        for place, (count, share) in enumerate(budgets)
    )
    given: dict[str, Any] = {
        "run": "runs/photos",
        "source": source,
        "checked": checked,
        "splits": splits,
        "task": task,
        "arms": tuple(arms),
        "budgets": points,
        "baselines_skipped": False,
        "seed": seed,
        "recipe": {"strategy": "finetune", "options": {"epochs": 12}},
        "warnings": (),
        "seconds": 84.2,
        "peak_memory": 1_400_000_000,
    }
    return Evidence(**{**given, **changes})


def regression_evidence(items: int = 400) -> Evidence:
    random = np.random.default_rng(0)
    checked = table_of([float(value) for value in random.normal(50, 10, items)])
    splits, source = split(checked), Paper()
    task = choose(splits.train)
    targets = hidden_targets(splits, task)
    trivial = task.baselines(task.encode(splits.part("fit").labels("label")))[0]
    arms = (
        Arm(
            "adapted",
            "Closed-form head",
            True,
            (targets + random.normal(0, 4, len(targets)))[:, None],
            trained_of(source, task, "probe", 0.5, 0.2, 2.0),
        ),
        Arm("mean", trivial.title, False, np.repeat(trivial.scores, len(targets), axis=0)),
    )
    return Evidence("runs/prices", source, checked, splits, task, arms, (), True, 0, {}, (), 4.0, 900_000_000)


def multilabel_evidence(items: int = 400) -> Evidence:
    random = np.random.default_rng(0)
    wanted = random.random((items, 3)) < [0.5, 0.3, 0.6]
    wanted[~wanted.any(axis=1), 0] = True
    checked = table_of([[name for name, yes in zip("abc", row, strict=True) if yes] for row in wanted])
    splits, source = split(checked), Paper()
    task = choose(splits.train)
    targets = hidden_targets(splits, task)
    trivial = task.baselines(task.encode(splits.part("fit").labels("label")))[0]
    arms = (
        Arm(
            "adapted",
            "Closed-form head",
            True,
            4 * targets - 2 + random.normal(0, 1.5, targets.shape),
            trained_of(source, task, "probe", 0.5, 0.2, 2.0),
        ),
        Arm("majority", trivial.title, False, np.repeat(trivial.scores, len(targets), axis=0)),
    )
    return Evidence("runs/tags", source, checked, splits, task, arms, (), True, 0, {}, (), 4.0, 900_000_000)


def repository() -> Path:
    return Path(__file__).resolve().parents[2]
