"""Same inputs, same numbers: in one process, after other work, and without touching the caller's random state."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch

from contracts.networks import Target, open_kind, workplace
from contracts.plans import assert_same, go, short_plan, variant
from headstart.engine.predict import scores
from headstart.sources import Source
from headstart.strategies import strategies

NAMES = strategies.names()


@pytest.mark.parametrize("name", NAMES)
def test_two_runs_and_one_after_other_work(name: str, source: Source, target: Target, tmp_path: Path) -> None:
    plan = short_plan(name, source, target)
    one = go(plan, source, target, workplace(tmp_path / "one"))
    torch.manual_seed(99)
    torch.randn(1000)
    np.random.seed(5)
    go(
        variant("everything, mixed, moments updated", source, target, seed=3),
        source,
        target,
        workplace(tmp_path / "work"),
    )
    assert_same(one, go(plan, source, target, workplace(tmp_path / "two")))  # its own bank: computed anew
    assert_same(one, go(plan, source, target, workplace(tmp_path / "one")))  # from the bank
    test = target.splits.test.examples
    first, second = (scores(one, test, workplace(tmp_path / place).bank)["label"] for place in ("one", "three"))
    assert np.array_equal(first, second)


@pytest.mark.parametrize("name", NAMES)
def test_another_seed(name: str, networks: Path, target: Target, tmp_path: Path) -> None:
    source = open_kind("dropout", networks)
    one, other = (
        go(short_plan(name, source, target, seed=seed), source, target, workplace(tmp_path)) for seed in (0, 1)
    )
    if strategies.get(name).is_random:  # the weights that validated best may be the first ones in both
        assert [moment.loss for moment in one.history] != [moment.loss for moment in other.history]
    else:
        assert_same(one, other)


@pytest.mark.parametrize("name", NAMES)
def test_callers_random_state_is_left_alone(name: str, networks: Path, target: Target, tmp_path: Path) -> None:
    source = open_kind("dropout", networks)
    torch.manual_seed(7)
    np.random.seed(7)
    random.seed(7)
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()
    trained = go(short_plan(name, source, target), source, target, workplace(tmp_path))
    scores(trained, target.splits.test.examples, workplace(tmp_path).bank)
    source.from_random(1).weights()
    after = torch.get_rng_state(), np.random.get_state()[1], random.getstate()
    assert torch.equal(before[0], after[0])
    assert np.array_equal(before[1], after[1])
    assert before[2] == after[2]
