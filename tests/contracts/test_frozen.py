"""Frozen means frozen: parameters, buffers, mode, optimiser state, saved file, outputs; also through a resume."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from contracts.networks import LABEL_OF, WHOLE_EXAMPLES, Target, open_kind, workplace
from contracts.plans import Stopped, go, short_plan, stop_at, watched
from headstart.engine import loop
from headstart.engine.freezing import Model
from headstart.engine.plan import Plan
from headstart.engine.trained import Trained
from headstart.sources import Source
from headstart.sources.description import Stage
from headstart.sources.network import Network
from headstart.sources.stages import belongs
from headstart.strategies import strategies
from headstart.verbs.artefact import state_of

PLANS = [(name, {}) for name in strategies.names()] + [
    ("finetune", {"freeze": "all"}),
    ("finetune", {"gradual": True, "averaging": "wise"}),
    ("finetune", {"statistics": "updated", "views": 0, "l2_sp": 0.1}),
    ("lora", {"dora": True, "norms": True}),
]


class Spy:
    """Looks at the model ahead of every step, and at its modes within it."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.forwards = 0
        """Forward passes in training that were looked at."""
        self.phase: loop.Phase | None = None
        self.models: list[Model] = []

    def __call__(self, phase: loop.Phase, _count: int) -> None:
        self.phase, model = phase, phase.model
        if not any(model is known for known in self.models):
            self.models.append(model)
            model.network.register_forward_pre_hook(self.look)
        frozen, _ = self.divided()
        for stage in frozen:
            assert not any(parameter.requires_grad for _, parameter in model.network.parameters_of(stage)), stage.name
        held = {id(parameter) for parameter, state in phase.optimiser.state.items() if state}
        for stage in self.source.stages:
            if stage.name not in phase.plan.trained_stages():
                assert held.isdisjoint(id(parameter) for _, parameter in model.network.parameters_of(stage))

    def divided(self) -> tuple[list[Stage], list[Stage]]:
        """The stages that are frozen in this phase, and those that train."""
        assert self.phase is not None
        trains = {name for name, _ in self.phase.spec.trains}
        return [stage for stage in self.source.stages if stage.name not in trains], [
            stage for stage in self.source.stages if stage.name in trains
        ]

    def look(self, network: Network, _inputs: object) -> None:
        assert self.phase is not None
        if not self.phase.model.training:  # an evaluation
            return
        frozen, trains = self.divided()
        for stage in frozen:
            assert not any(module.training for module in network.modules_of(stage)), stage.name
        for stage in trains:
            assert any(module.training for module in network.modules_of(stage)), stage.name
        self.forwards += 1


def assert_frozen(plan: Plan, source: Source, trained: Trained, target: Target) -> None:
    """What never trains is as it was, to the bit: in the model, in what would be saved, and in what it computes."""
    never = [stage for stage in trained.source.stages if stage.name not in plan.trained_stages()]
    owned = [path for stage in never for path in stage.owns]
    before, saved = trained.source.weights(), state_of(trained)
    assert trained.frozen_before == trained.frozen_after
    assert not [name for name in trained.weights if belongs(name, owned)]
    for name in before:
        if belongs(name, owned):
            assert np.array_equal(before[name], saved[name]) and before[name].dtype == saved[name].dtype, name
    if not never or not trained.weights:
        return
    fresh, changed = Network(trained.source), Network(trained.source)
    changed.body.load_state_dict(
        {name: torch.from_numpy(value) for name, value in trained.weights.items()}, strict=False
    )
    inputs = {name: torch.from_numpy(value) for name, value in source.noise(3).items()}
    at = never[-1].name
    with torch.no_grad():
        one, other = fresh(inputs, [at]), changed(inputs, [at])
    assert torch.equal(one[at], other[at])


@pytest.mark.parametrize(("name", "options"), PLANS, ids=[f"{name} {options}" for name, options in PLANS])
def test_every_strategy(
    name: str, options: dict[str, object], source: Source, target: Target, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    plan, spy = short_plan(name, source, target, **options), Spy(source)
    with watched(monkeypatch, spy):
        trained = go(plan, source, target, workplace(tmp_path))
    assert bool(spy.forwards) == bool(plan.trainings)
    assert_frozen(plan, source, trained, target)


@pytest.mark.parametrize("task", WHOLE_EXAMPLES)
@pytest.mark.parametrize("name", strategies.names())
def test_every_task(name: str, task: str, networks: Path, target: Target, tmp_path: Path) -> None:
    assert task in LABEL_OF, f"give the generated target a column for the task '{task}'"
    source = open_kind("batch norm", networks)
    plan = short_plan(name, source, target, task)
    trained = go(plan, source, target, workplace(tmp_path))
    assert_frozen(plan, source, trained, target)
    assert trained.head.weight.shape == (source.stages[-1].width, target.task(task).outputs)
    assert np.isfinite(trained.head.weight).all()


@pytest.mark.parametrize("stop", [2, 5, 8])
def test_resumed_amid_gradual_unfreezing(
    stop: int, source: Source, target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = short_plan("finetune", source, target, gradual=True, epochs=6, batch=16, patience=0)
    place = workplace(tmp_path, "state")
    with watched(monkeypatch, stop_at(stop)), pytest.raises(Stopped):
        go(plan, source, target, place)
    spy = Spy(source)
    with watched(monkeypatch, spy):
        trained = go(plan, source, target, place)
    assert spy.forwards
    assert_frozen(plan, source, trained, target)
