"""What trains: every trainable parameter in one group at the rate of the plan's table, and nothing else moves."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from contracts.networks import Target, open_kind, workplace
from contracts.plans import go, short_plan, unstopped, watched
from headstart.engine import loop, optimisers
from headstart.engine.plan import Objective, Schedule, Train
from headstart.engine.trained import Trained
from headstart.sources import Source
from headstart.sources.stages import belongs
from headstart.strategies import strategies

RANDOM = [name for name in strategies.names() if strategies.get(name).is_random]


@pytest.mark.parametrize("gradual", [False, True])
@pytest.mark.parametrize("name", RANDOM)
def test_groups_and_rates(
    name: str, gradual: bool, source: Source, target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"gradual": True} if gradual and "gradual" in strategies.get(name).model_fields else {}
    plan = unstopped(short_plan(name, source, target, **options))
    looked = []

    def look(phase: loop.Phase, _count: int) -> None:
        looked.append(phase.spec.name)
        model, rates = phase.model, dict(phase.spec.trains)
        groups = phase.optimiser.param_groups
        grouped = [id(parameter) for group in groups for parameter in group["params"]]
        trainable = {id(parameter) for parameter in model.parameters() if parameter.requires_grad}
        assert len(grouped) == len(set(grouped)) and trainable <= set(grouped)
        owner = {id(parameter): stage.name for stage in source.stages
                 for name, parameter in model.network.parameters_of(stage)
                 if plan.adapters is None or ".lora_" in name}  # fmt: skip
        owner |= {id(parameter): head for head, module in model.heads.items() for parameter in module.parameters()}
        assert trainable == {key for key, stage in owner.items() if stage in rates}
        optimisers.set_rates(phase.optimiser, dataclasses.replace(phase.spec, schedule=Schedule(0.0)), 0.0)
        for group in groups:
            for parameter in group["params"]:
                assert group["lr"] == pytest.approx(rates.get(owner[id(parameter)], 0.0))
                assert group["weight_decay"] == (phase.spec.weight_decay if parameter.ndim > 1 else 0.0)

    with watched(monkeypatch, look):
        go(plan, source, target, workplace(tmp_path))
    assert set(looked) == {phase.name for phase in plan.trainings}


@pytest.mark.parametrize("name", RANDOM)
def test_every_listed_part_changes(name: str, source: Source, target: Target, tmp_path: Path) -> None:
    plan = unstopped(short_plan(name, source, target))
    trained = go(plan, source, target, workplace(tmp_path))
    before = trained.source.weights()
    listed = {part for phase in plan.trainings for part, _ in phase.trains}
    for stage in source.stages:
        own = [
            key
            for key, value in before.items()
            if belongs(key, stage.owns) and value.dtype.kind == "f" and "running" not in key
        ]
        after = trained.weights
        changed = [key for key in own if key in after and not np.array_equal(before[key], after[key])]
        if plan.adapters is not None and stage.name in listed:  # merged into these weights, and into no other
            assert set(changed) == {key for key in own if key.removesuffix(".weight") in plan.adapters.targets}
        elif stage.name in listed:
            assert len(changed) >= 0.9 * len(own), sorted(set(own) - set(changed))
        else:
            assert not changed
    start = (
        go(dataclasses.replace(plan, phases=plan.phases[:1], streams=()), source, target, workplace(tmp_path))
        if plan.heads[0].start == "solved"
        else None
    )
    if start is not None:
        assert not np.array_equal(start.head.weight, trained.head.weight)


def test_moments_follow_the_option(networks: Path, target: Target, tmp_path: Path) -> None:
    source = open_kind("batch norm", networks)
    for statistics, moves in (("frozen", False), ("updated", True)):
        plan = unstopped(short_plan("finetune", source, target, statistics=statistics))
        trained = go(plan, source, target, workplace(tmp_path))
        before = source.weights()
        same = [np.array_equal(before[key], value) for key, value in trained.weights.items() if "running_mean" in key]
        assert same and all(same) != moves


def test_best_weights_come_with_their_moments(
    networks: Path, target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The moments that are kept are those of the step that validated best, not of the last one."""
    source = open_kind("batch norm", networks)
    plan = short_plan("scratch", source, target, steps=6, evaluations=6)
    seen: list[dict[str, np.ndarray]] = []
    inner = loop._evaluate

    def evaluate(phase: loop.Phase, *rest: object) -> None:
        inner(phase, *rest)
        seen.append({name: value.numpy().copy() for name, value in phase.model.network.body.state_dict().items()
                     if "running_mean" in name})  # fmt: skip

    with monkeypatch.context() as patch:
        patch.setattr(loop, "_evaluate", evaluate)
        losses = iter([5.0, 4.0, 1.0, 3.0, 3.0, 3.0, 3.0])
        from headstart.engine.training import Training

        patch.setattr(Training, "_validate", lambda _self: (0.0, next(losses)))
        trained = go(plan, source, target, workplace(tmp_path))
    for name, value in seen[2].items():
        assert np.array_equal(trained.weights[name], value), name
        assert not np.array_equal(seen[-1][name], value)


def test_l2_sp_holds_the_weights_back(networks: Path, target: Target, tmp_path: Path) -> None:
    source = open_kind("layer norm", networks)

    def distance(weight: float) -> float:
        plan = unstopped(short_plan("finetune", source, target, learning_rate=3e-3))
        plan = dataclasses.replace(plan, phases=tuple(
            dataclasses.replace(phase, objectives=(Objective("l2_sp", weight),)) if isinstance(phase, Train) else phase
            for phase in plan.phases))  # fmt: skip
        trained = go(plan, source, target, workplace(tmp_path))
        before = source.weights()
        return sum(float(((before[name] - value) ** 2).sum()) for name, value in trained.weights.items())

    assert distance(100.0) < 0.5 * distance(0.0)


def test_averages_are_what_their_papers_say(networks: Path, target: Target, tmp_path: Path) -> None:
    """wise: half-way between start and end; ema: inside the range that training went through."""
    source = open_kind("layer norm", networks)
    plan = unstopped(short_plan("finetune", source, target))

    def run_with(averaging: str, rate: float) -> Trained:
        phases = tuple(dataclasses.replace(phase, averaging=averaging, averaging_rate=rate)
                       if isinstance(phase, Train) else phase for phase in plan.phases)  # fmt: skip
        return go(dataclasses.replace(plan, phases=phases), source, target, workplace(tmp_path))

    end, wise = run_with("none", 0.0), run_with("wise", 0.5)
    before = source.weights()
    for name, value in end.weights.items():
        assert np.allclose(wise.weights[name], (before[name] + value) / 2, atol=1e-6), name
    short = run_with("ema", 0.98)
    far = sum(float(np.abs(before[name] - value).sum()) for name, value in end.weights.items())
    part = sum(float(np.abs(before[name] - value).sum()) for name, value in short.weights.items())
    assert 0 < part < far


def test_timed_length_undoes_its_first_steps(networks: Path, target: Target, tmp_path: Path) -> None:
    """Seconds become steps, and those steps give what the same number of steps gives when asked for."""
    source = open_kind("batch norm", networks)
    plan = short_plan("scratch", source, target)
    timed = dataclasses.replace(plan, phases=tuple(
        dataclasses.replace(phase, length=dataclasses.replace(phase.length, steps=None, seconds=0.2))
        for phase in plan.trainings))  # fmt: skip
    one = go(timed, source, target, workplace(tmp_path))
    steps = next(iter(one.steps.values()))
    assert steps >= 1
    again = go(short_plan("scratch", source, target, steps=steps), source, target, workplace(tmp_path))
    assert np.array_equal(one.head.weight, again.head.weight)
    assert all(np.array_equal(value, again.weights[name]) for name, value in one.weights.items())


def test_a_timed_second_phase_keeps_the_first_ones_momenta(
    networks: Path, target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = open_kind("layer norm", networks)
    plan = unstopped(short_plan("finetune", source, target, gradual=True))
    first, *rest = plan.trainings
    timed = dataclasses.replace(rest[0], length=dataclasses.replace(rest[0].length, epochs=None, seconds=0.05))
    plan = dataclasses.replace(plan, phases=(plan.phases[0], first, timed))
    steps: list[tuple[str, set[float]]] = []

    def look(phase: loop.Phase, _count: int) -> None:
        counts = {float(state["step"]) for state in phase.optimiser.state.values()}
        steps.append((phase.spec.name, counts))

    with watched(monkeypatch, look):
        go(plan, source, target, workplace(tmp_path))
    last = float(len([name for name, _ in steps if name == first.name]))
    second = [counts for name, counts in steps if name == timed.name]
    assert second[0] == {last} and second[loop.TIMED_STEPS] == {last}


@pytest.mark.parametrize("unit", [1.0, 1000.0])
def test_numbers_train_alike_in_every_unit(unit: float, networks: Path, target: Target, tmp_path: Path) -> None:
    """A network from random weights predicts grams as well as kilograms: a fair baseline."""
    source = open_kind("layer norm", networks)
    values = [unit * value for value in target.table.column("size").to_pylist()]
    table = target.table.with_column("size", values)
    parts = {name: dataclasses.replace(part, table=table) for name, part in target.parts.items()}
    given = dataclasses.replace(target, table=table, parts=parts)
    plan = unstopped(short_plan("scratch", source, given, "regression", steps=10))
    trained = go(plan, source, given, workplace(tmp_path))
    predicted = trained.history[-1].loss
    assert predicted is not None and predicted < 2.0  # in deviations, squared; raw it would be in the millions
    middle, spread = float(np.mean(values)), float(np.std(values))
    assert abs(float(trained.head.bias[0]) - middle) < 5 * spread


def test_loss_that_is_not_finite_names_stage_and_examples(
    networks: Path, target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from headstart.core.errors import TrainingError

    source = open_kind("batch norm", networks)
    plan = short_plan("finetune", source, target)

    def spoil(phase: loop.Phase, count: int) -> None:
        if count == 1:
            stage = source.stages[-1]
            with torch.no_grad():
                phase.model.network.parameters_of(stage)[0][1].fill_(float("nan"))

    with (
        watched(monkeypatch, spoil),
        pytest.raises(TrainingError, match=f"comes from {source.stages[-1].name}") as told,
    ):
        go(plan, source, target, workplace(tmp_path))
    assert any(name in str(told.value) for name in target.parts["train"].ids())
