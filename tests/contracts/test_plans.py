"""A plan is data: it survives JSON, and its streams, heads and objectives do what they say."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from contracts.networks import Target, open_kind, workplace
from contracts.plans import go, short_plan
from headstart.engine.plan import Head, Length, Objective, Plan, Schedule, Solve, Stop, Stream, Train
from headstart.engine.predict import scores
from headstart.engine.run import run
from headstart.engine.trained import Trained
from headstart.sources import Source
from headstart.strategies import strategies

names = some.text("abcdefgh.", min_size=1, max_size=5)
rates = some.floats(0, 1, allow_nan=False)
stages = some.lists(names, min_size=1, max_size=3).map(tuple)
described = some.fixed_dictionaries({"kind": some.just("regression"), "labels": some.lists(names)})
heads = some.builds(Head, names, described, stages, some.sampled_from(["random", "solved"]))
streams = some.builds(
    Stream, names, names, stages, some.integers(1, 99), some.integers(0, 4),
    some.sampled_from(["none", "mixup", "cutmix"]), some.booleans(), rates,
)  # fmt: skip
objectives = some.builds(
    Objective, names, rates, some.dictionaries(names, some.one_of(names, rates, some.lists(names)), max_size=2)
)
solves = some.builds(Solve, names, names, some.lists(stages, min_size=1, max_size=3).map(tuple))
trains = some.builds(
    Train, names, some.lists(some.tuples(names, rates), max_size=3).map(tuple), stages,
    some.one_of(some.builds(Length, epochs=rates), some.builds(Length, steps=some.integers(1, 9))),
    some.builds(Schedule, rates, rates), some.lists(objectives, max_size=2).map(tuple),
    some.sampled_from(["none", "ema", "wise"]), rates, some.none() | some.builds(Stop),
    some.sampled_from(["frozen", "updated"]), rates, rates, rates,
)  # fmt: skip
plans = some.builds(
    Plan, names, some.lists(streams, max_size=2).map(tuple), some.lists(heads, min_size=1, max_size=2).map(tuple),
    some.lists(solves | trains, max_size=3).map(tuple), some.sampled_from(["source", "random"]), some.booleans(),
    some.integers(0, 2**31),
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(plan=plans)
def test_through_json_and_back(plan: Plan) -> None:
    again = Plan.from_dict(json.loads(json.dumps(plan.as_dict())))
    assert again == plan and again.fingerprint() == plan.fingerprint()


@settings(max_examples=40, deadline=None)
@given(plan=plans, seed=some.integers(0, 9))
def test_fingerprint_tells_plans_apart(plan: Plan, seed: int) -> None:
    other = dataclasses.replace(plan, seed=seed)
    assert (other.fingerprint() == plan.fingerprint()) == (other == plan)


@pytest.mark.parametrize("name", strategies.names())
def test_plans_of_strategies(name: str, source: Source, target: Target) -> None:
    plan = short_plan(name, source, target)
    assert Plan.from_dict(json.loads(json.dumps(plan.as_dict()))) == plan
    known = {stage.name for stage in source.stages} | {head.name for head in plan.heads}
    assert {part for phase in plan.trainings for part, _ in phase.trains} <= known
    assert {head for stream in plan.streams for head in stream.heads} <= {head.name for head in plan.heads}


def covariance_distance(trained: Trained, target: Target, root: Path, parts: tuple[str, str]) -> float:
    """CORAL's distance between two parts at the last stage, for the trained network."""
    import torch

    from headstart.data.contents import Contents
    from headstart.engine.feed import prepared, tensors
    from headstart.sources.network import Network

    network = Network(trained.source).eval()
    network.body.load_state_dict(
        {name: torch.from_numpy(value) for name, value in trained.weights.items()}, strict=False
    )
    last = trained.source.stages[-1].name
    found = []
    for part in parts:
        examples = target.parts[part]
        contents = Contents(examples.table)
        batch = [prepared(trained.source, contents, examples, row) for row in range(len(examples))]
        with torch.no_grad():
            found.append(np.cov(network(tensors(trained.source.collate(batch)), [last])[last].double().numpy().T))
    return float(((found[0] - found[1]) ** 2).sum() / (4 * len(found[0]) ** 2))


def aligned_plan(source: Source, target: Target, weight: float) -> Plan:
    """Two streams, one without labels, whose features are brought together."""
    task = target.task("classification")
    last = source.stages[-1].name
    labelled = Stream("labelled", "warm", ("label",), batch=8)
    unlabelled = Stream("unlabelled", "cold", (), batch=8)
    trains = (*((stage.name, 3e-3) for stage in source.stages[-2:]), ("label", 1e-3))
    coral = Objective("coral", weight, {"streams": ["labelled", "unlabelled"], "stage": last})
    train = Train("aligned", trains, ("labelled", "unlabelled"), Length(steps=25), objectives=(coral,))
    return Plan("aligned", (labelled, unlabelled), (Head("label", task.describe(), (last,), "solved"),),
                (Solve("label", "warm", ((last,),)), train))  # fmt: skip


def test_two_streams_and_an_objective(networks: Path, target: Target, tmp_path: Path) -> None:
    """CORAL brings circles, whose labels are known, and triangles, whose labels are never read, nearer together."""
    source = open_kind("layer norm", networks)
    fit = target.parts["fit"]
    shapes = np.array(fit.labels("shape"))
    parts: dict[str, Any] = {**target.parts, "warm": fit.take(np.flatnonzero(shapes != "triangle")),
                             "cold": fit.take(np.flatnonzero(shapes == "triangle"))}  # fmt: skip
    parts["cold"] = dataclasses.replace(parts["cold"], sealed=True)
    given = dataclasses.replace(target, parts=parts)
    distances = {}
    for weight in (0.0, 300.0):
        trained = go(aligned_plan(source, given, weight), source, given, workplace(tmp_path))
        assert trained.cost.items_seen == 25 * 16
        distances[weight] = covariance_distance(trained, given, tmp_path, ("warm", "cold"))
    assert distances[300.0] < 0.7 * distances[0.0], distances


def test_two_heads_on_two_columns(networks: Path, target: Target, tmp_path: Path) -> None:
    """Several tasks at once: classes and sizes from one trunk, each head on stages of its own."""
    source = open_kind("batch norm", networks)
    shape, size = target.task("classification"), target.task("regression")
    last, middle = source.stages[-1].name, source.stages[-2].name
    heads = (Head("shape", shape.describe(), (last,), "solved"), Head("size", size.describe(), (middle, last)))
    both = Stream("both", "train", ("shape", "size"), batch=8, views=2)
    trains = (*((stage.name, 1e-3) for stage in source.stages[-2:]), ("shape", 1e-3), ("size", 3e-2))
    plan = Plan("several", (both,), heads, (
        Solve("shape", "train", ((last,),)),
        Train("together", trains, ("both",), Length(steps=40), stop=Stop("validation", 0)),
    ))  # fmt: skip
    trained = run(plan, source, target.parts, workplace(tmp_path))
    assert set(trained.heads) == {"shape", "size"}
    assert trained.heads["size"].weight.shape == (24 + 16, 1)
    answers = scores(trained, target.parts["fit"], workplace(tmp_path).bank)
    assert answers["shape"].shape == (36, 3) and answers["size"].shape == (36, 1)
    sizes = np.array(target.parts["fit"].labels("size"))
    error = float(np.sqrt(np.mean((answers["size"][:, 0] - sizes) ** 2)))
    assert error < 2 * float(sizes.std())  # a start of zero would be off by the mean, some ten deviations


def test_halted_phase_takes_its_share_of_steps(networks: Path, target: Target, tmp_path: Path) -> None:
    source = open_kind("layer norm", networks)
    plan = short_plan("scratch", source, target, steps=8)
    (phase,) = plan.trainings
    for halt, steps in ((0.5, 4), (0.0, 0)):
        halted = dataclasses.replace(plan, phases=(dataclasses.replace(phase, stop=None, halt=halt),))
        trained = go(halted, source, target, workplace(tmp_path))
        assert trained.cost.items_seen == steps * 8
        assert trained.steps == {phase.name: 8}


def test_refit_trains_on_everything_for_as_long_as_validation_found_best(
    networks: Path, target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from headstart.engine.training import Training

    source = open_kind("layer norm", networks)
    plan = short_plan("finetune", source, target, epochs=4, batch=10, patience=0)  # 12 steps, an evaluation every 2
    losses = iter([3.0, 2.0, 1.0] + [2.0] * 20)
    monkeypatch.setattr(Training, "_validate", lambda _self: (0.0, next(losses)))
    trained = go(plan, source, target, workplace(tmp_path))
    first, last = trained.history[-2].step, trained.history[-1].step
    share = len(target.parts["fit"]) / len(target.parts["train"])
    steps = round(trained.history[0].step or 12)
    assert steps == 12
    best = 4
    assert last == round(round(12 * share) * best / 12)
    assert first == 0 and trained.cost.items_seen == (12 + last) * 10
