"""Letters at moments, with every strategy that trains: frozen stays, sealed is sealed, numbers repeat, runs open."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from contracts.networks import workplace
from contracts.plans import assert_same
from contracts.sounds import RATE, samples
from headstart.bank import Bank
from headstart.core.errors import StrategyError
from headstart.core.ragged import lengths
from headstart.data import checks, splits
from headstart.data.read import read
from headstart.data.table import SealedError
from headstart.engine.plan import Plan
from headstart.engine.predict import scores
from headstart.engine.run import run
from headstart.engine.trained import Trained
from headstart.sources import Source, open_source
from headstart.sources.sounds import recogniser
from headstart.strategies import Target, strategies
from headstart.strategies.finetune import UNALIGNED_STEPS
from headstart.tasks import choose
from headstart.tasks.speech_recognition import SpeechRecognition
from headstart.verbs import artefact

SHORT = {"epochs": 1, "steps": 2, "batch": 4, "views": 2, "freeze": "begin"}
TRAINING = ("finetune", "lora", "scratch")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    folder = tmp_path_factory.mktemp("models") / "recogniser"
    recogniser.write(folder, recogniser.Architecture(width=16, blocks=2), ("<blank>", "q"), 0)
    return open_source(folder).reading("places")


@pytest.fixture(scope="module")
def target() -> splits.Splits:
    sounds = [(samples("tone", number, 0.4 + 0.2 * number), RATE) for number in range(14)]
    table = replace(read((sounds, [f"{'ab' * (1 + number % 3)}" for number in range(14)])), written=True)
    return splits.split(checks.check(table), seed=0)


def parts_of(target: splits.Splits) -> dict:
    return {name: target.part(name) for name in ("train", "validation", "fit")}


def short_plan(name: str, source: Source, target: splits.Splits) -> Plan:
    strategy = strategies.get(name)
    options = {key: value for key, value in SHORT.items() if key in strategy.model_fields}
    sizes = Target(len(target.train), len(target.validation))
    return strategy(**options).plan(source, choose(target.part("fit"), "speech-recognition"), sizes, 0)


@pytest.mark.parametrize("examples", [5, 30, 3000])
def test_few_recordings_are_learned_from_for_enough_steps(source: Source, examples: int) -> None:
    task = SpeechRecognition("label", ("<blank>", "a", "b"))
    plan = strategies.get("finetune")().plan(source, task, Target(examples, 1), 0)
    steps = plan.trainings[0].length.epochs * examples / min(plan.streams[0].batch, examples)
    assert steps >= UNALIGNED_STEPS - 1
    assert plan.heads[0].start == "begun"


@pytest.mark.parametrize("name", ["probe", "contrastive"])
def test_what_needs_to_know_the_moment_is_refused(name: str, source: Source, target: splits.Splits) -> None:
    with pytest.raises(StrategyError, match="--strategy finetune"):
        short_plan(name, source, target)


@pytest.mark.parametrize("name", TRAINING)
def test_frozen_sealed_and_the_same_numbers(name: str, source: Source, target: splits.Splits, tmp_path: Path) -> None:
    plan = short_plan(name, source, target)
    one, other = (run(plan, source, parts_of(target), workplace(tmp_path / place)) for place in ("one", "two"))
    assert one.frozen_before == one.frozen_after
    assert_same(one, other)
    found = scores(one, target.test.examples, Bank(tmp_path / "bank"))["label"]
    with pytest.raises(SealedError):
        target.test.examples.labels()
    assert all(own.shape[1] == one.task.outputs and np.isfinite(own).all() for own in found)
    assert (lengths(found) > 1).all()


@pytest.mark.parametrize("name", TRAINING[:2])
def test_saved_and_opened(name: str, source: Source, target: splits.Splits, tmp_path: Path) -> None:
    trained = run(short_plan(name, source, target), source, parts_of(target), workplace(tmp_path, "state"))
    (tmp_path / "run").mkdir()
    artefact.write(tmp_path / "run", trained)
    opened, heads, known = artefact.read(tmp_path / "run")
    assert known == trained.tasks and opened.description.labels == trained.task.labels
    again = Trained(trained.plan, opened.reading("places"), known, heads, {})
    bank = Bank(tmp_path / "bank")
    test = target.test.examples
    for one, other in zip(scores(trained, test, bank)["label"], scores(again, test, bank)["label"], strict=True):
        assert np.allclose(one, other, atol=0.02 * max(1.0, np.abs(one).max()))
