"""Contrast: the losses against their definitions, batches with every class in them, and a head solved afterwards."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import headstart as hs
from contracts.networks import Target, make_target, open_kind, workplace
from contracts.plans import go, short_plan
from contracts.texts import write_reviews, write_text_model
from headstart.core.errors import StrategyError
from headstart.data.batches import even_positions
from headstart.data.contents import Contents
from headstart.engine.feed import prepared, tensors
from headstart.engine.objectives import objectives
from headstart.engine.trained import Trained
from headstart.engine.training import Training
from headstart.sources.network import Network
from headstart.tasks import tasks


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Target:
    return make_target(tmp_path_factory.mktemp("target"))


def value_of(name: str, features: torch.Tensor, targets: torch.Tensor, **options: Any) -> float:
    task = tasks.get("classification").from_labels("label", ["a", "b", "c"])
    step = SimpleNamespace(
        pooled={"one": {"last": features}}, targets={"one": {"label": targets}}, tasks={"label": task}
    )
    given = {"stage": "last", "head": "label", "temperature": 0.5, **options}
    return float(objectives.get(name)(None, given)(step))  # type: ignore[arg-type]


def test_losses_are_what_their_papers_say() -> None:
    features = torch.randn(7, 5, generator=torch.manual_seed(0))
    targets = torch.tensor([0, 0, 1, 1, 1, 0, 2])  # the last one is alone, and has nothing to come near to
    cosine = [[float(torch.cosine_similarity(a, b, dim=0)) for b in features] for a in features]
    rows, like, unlike = [], [], []
    for i in range(7):
        others = [j for j in range(7) if j != i]
        same = [j for j in others if targets[j] == targets[i]]
        below = sum(math.exp(cosine[i][j] / 0.5) for j in others)
        if same:
            rows.append(-sum(math.log(math.exp(cosine[i][j] / 0.5) / below) for j in same) / len(same))
        like += [(cosine[i][j] - 1) ** 2 for j in same]
        unlike += [cosine[i][j] ** 2 for j in others if j not in same]
    assert value_of("contrast", features, targets) == pytest.approx(sum(rows) / 7, rel=1e-5)
    assert value_of("pairs", features, targets) == pytest.approx(np.mean(like) + np.mean(unlike), rel=1e-5)


def test_losses_have_finite_gradients_where_nothing_is_alike() -> None:
    for name in ("contrast", "pairs"):
        features = torch.randn(3, 4, generator=torch.manual_seed(0)).requires_grad_()
        task = tasks.get("classification").from_labels("label", ["a", "b", "c"])
        step = SimpleNamespace(pooled={"one": {"last": features}}, targets={"one": {"label": torch.arange(3)}},
                               tasks={"label": task})  # fmt: skip
        options = {"stage": "last", "head": "label", "temperature": 0.1}
        objectives.get(name)(None, options)(step).backward()  # type: ignore[arg-type]
        assert torch.isfinite(features.grad).all()


def test_likeness_of_answers() -> None:
    multilabel = tasks.get("multilabel").from_labels("label", [["a", "b"], ["c"]])
    alike = multilabel.likeness(torch.tensor([[1.0, 1, 0], [1, 0, 0], [0, 0, 0], [0, 0, 0]]))
    assert alike.tolist() == [[1, 0.5, 0, 0], [0.5, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]]
    regression = tasks.get("regression").from_labels("label", [1.0, 2.0])
    near = regression.likeness(torch.tensor([0.0, 1.0, 5.0]))
    assert near[0, 1] > near[1, 2] > near[0, 2] > 0 and near.diagonal().tolist() == [1, 1, 1]
    assert torch.allclose(near, regression.likeness(torch.tensor([0.0, 1000.0, 5000.0])), atol=1e-6)


@pytest.mark.parametrize(("counts", "size"), [((30, 5, 1), 12), ((4,) * 20, 8), ((9, 9), 7)])
def test_every_class_has_its_turn(counts: tuple[int, ...], size: int) -> None:
    groups = np.repeat(np.arange(len(counts)), counts)
    batches = [even_positions(groups, size, 3, step) for step in range(60)]
    seen = Counter(groups[np.concatenate(batches)].tolist())
    assert max(seen.values()) - min(seen.values()) <= 2  # as many of a rare class as of a common one
    for batch in batches:
        pairs = Counter(groups[batch].tolist())
        if size % 2 == 0:
            assert min(pairs.values()) >= 2
    first = np.concatenate(batches)[groups[np.concatenate(batches)] == 0]
    assert len(set(first[: counts[0]].tolist())) == counts[0]  # none twice before all had been seen
    assert np.array_equal(batches[7], even_positions(groups, size, 3, 7))
    assert not np.array_equal(
        np.concatenate(batches), np.concatenate([even_positions(groups, size, 4, s) for s in range(60)])
    )


def features_of(trained: Trained, target: Target, part: str, changed: bool) -> np.ndarray:
    network = Network(trained.source).eval()
    if changed:
        network.body.load_state_dict({k: torch.from_numpy(v) for k, v in trained.weights.items()}, strict=False)
    examples, last = target.parts[part], trained.source.stages[-1].name
    contents = Contents(examples.table)
    inputs = tensors(
        trained.source.collate([prepared(trained.source, contents, examples, row) for row in range(len(examples))])
    )
    with torch.no_grad():
        return network.pool(last, network(inputs, [last])[last], inputs).numpy()


def gap(features: np.ndarray, labels: np.ndarray) -> float:
    """Mean cosine within classes less that between them."""
    even = features / np.linalg.norm(features, axis=1, keepdims=True)
    cosine, same = even @ even.T, labels[:, None] == labels[None]
    return float(cosine[same & ~np.eye(len(labels), dtype=bool)].mean() - cosine[~same].mean())


def test_classes_come_together_and_the_head_is_solved_on_them(target: Target, tmp_path: Path) -> None:
    source, place = open_kind("layer norm", tmp_path), workplace(tmp_path)
    plan = short_plan("contrastive", source, target, steps=40, learning_rate=1e-2, batch=12, solver="ridge")
    trained = go(plan, source, target, place)
    before, after = (features_of(trained, target, "fit", changed) for changed in (False, True))
    labels = np.array(target.parts["fit"].labels("shape"))
    assert gap(after, labels) > gap(before, labels) + 0.1
    task = target.task("classification")
    numbers = task.encode(labels.tolist())
    untouched, solved = (task.solve(features, numbers, "ridge") for features in (before, after))
    expected = task.humbled(solved, untouched.left_out, numbers).weight
    size = np.abs(expected).max()
    assert np.allclose(trained.head.weight, expected, atol=0.03 * size)  # the bank rounds
    assert not np.allclose(trained.head.weight, untouched.weight * size / np.abs(untouched.weight).max(), atol=size / 3)


def test_what_is_learned_by_heart_makes_no_head_sure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Labels that mean nothing: features learn them, and what is left out of the head alone is all right."""
    reviews = write_reviews(tmp_path / "reviews.csv", 30)
    lines = reviews.read_text().splitlines()
    moods = np.random.default_rng(0).permutation([line.rpartition(",")[2] for line in lines[1:]])
    shuffled = [f"{line.rpartition(',')[0]},{mood}" for line, mood in zip(lines[1:], moods, strict=True)]
    reviews.write_text("\n".join([lines[0], *shuffled]))
    model = write_text_model(tmp_path / "bert", "bert")

    def log_loss(out: Path) -> float:
        run = hs.adapt(reviews, source=model, strategy="contrastive", out=out, baselines=False,
                       options={"steps": 80, "learning_rate": 1e-2, "batch": 24, "freeze": "none"})  # fmt: skip
        return float(run.receipt.adapted.metrics["log_loss"].value or 0)

    doubted = log_loss(tmp_path / "doubted")
    monkeypatch.setattr(tasks.get("classification"), "humbled", lambda self, solution, *_: solution)
    assert doubted < 0.9 * log_loss(tmp_path / "believed")


def test_doubt_is_of_the_same_heads(target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where heads on several sets of stages are averaged, the average is compared with that of these as they were."""
    seen: list[np.ndarray] = []
    earlier: list[dict[tuple[str, ...], np.ndarray]] = []
    monkeypatch.setattr(
        tasks.get("classification"), "humbled", lambda self, solution, before, _: seen.append(before) or solution
    )
    left_out = Training._left_out
    monkeypatch.setattr(Training, "_left_out", lambda self, phase: earlier.append(left_out(self, phase)) or earlier[-1])
    source, place = open_kind("layer norm", tmp_path), workplace(tmp_path)
    trained = go(short_plan("contrastive", source, target, steps=1, stages="each"), source, target, place)
    tried = trained.solved["label"]["tried"]
    assert len(tried) == len(source.stages)
    assert sum(one["share"] for one in tried) == pytest.approx(1, abs=0.01)
    expected = sum(one["share"] * earlier[0][tuple(one["stages"])] for one in tried)
    assert seen[0] == pytest.approx(expected, abs=0.01 * np.abs(expected).max())


def test_solving_in_between_is_refused(target: Target, tmp_path: Path) -> None:
    source = open_kind("layer norm", tmp_path)
    plan = short_plan("contrastive", source, target)
    train, solve = plan.phases
    with pytest.raises(StrategyError, match="in between"):
        go(dataclasses.replace(plan, phases=(train, solve, train)), source, target, workplace(tmp_path))


def test_something_must_train(target: Target, tmp_path: Path) -> None:
    source = open_kind("layer norm", tmp_path)
    with pytest.raises(StrategyError, match="no stage of layer-norm trains"):
        short_plan("contrastive", source, target, freeze="all")


def test_few_reviews(tmp_path: Path) -> None:
    """A user's way: few texts, the run is opened again, and its features are not those of the source."""
    model = write_text_model(tmp_path / "bert", "bert")
    reviews = write_reviews(tmp_path / "reviews.csv", 20)
    run = hs.adapt(reviews, source=model, strategy="contrastive", out=tmp_path / "run", baselines=False,
                   options={"steps": 60, "learning_rate": 1e-2, "batch": 16})  # fmt: skip
    assert run.receipt.arm("probe") is None  # its features would be computed for that alone
    probe = hs.adapt(reviews, source=model, out=tmp_path / "probe", baselines=False).receipt.adapted
    assert run.receipt.adapted.metrics["accuracy"].value >= max(0.75, probe.metrics["accuracy"].value or 0)
    again = hs.load(tmp_path / "run")
    texts = ["the film was good and lovely", "the book was awful and sad"]
    assert again.predict(texts) == ["good", "bad"]
    assert (again.predict_proba(texts) == run.predict_proba(texts)).all()
    assert again.source.fingerprint != run.receipt.fingerprints.source
    frozen = run.receipt.frozen
    assert frozen.same and frozen.stages == ["embeddings"]
