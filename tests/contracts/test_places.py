"""Answers at places: windows lose nothing, and the rules for all tasks hold for those that answer at places."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from contracts.networks import workplace
from contracts.plans import SHORT, Stopped, assert_same, count_steps, stop_at, watched
from contracts.texts import write_conll, write_text_model
from headstart.bank import Bank, features_of
from headstart.core.errors import SourceError, StrategyError
from headstart.core.ragged import lengths
from headstart.data import checks, splits
from headstart.data.read import read
from headstart.data.readers.memory import from_memory
from headstart.data.table import Examples, SealedError
from headstart.engine.plan import Plan
from headstart.engine.predict import scores
from headstart.engine.run import run
from headstart.sources import Source, open_source
from headstart.sources.network import Network
from headstart.sources.points import Point
from headstart.strategies import Target as Sizes
from headstart.strategies import strategies
from headstart.tasks import choose


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_text_model(tmp_path_factory.mktemp("models") / "bert", "bert")


@pytest.fixture
def source(model: Path) -> Source:
    return open_source(model).reading("places")


@dataclasses.dataclass(frozen=True)
class Sentences:
    parts: dict[str, Examples]
    test: Examples


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Sentences:
    found = splits.split(checks.check(read(write_conll(tmp_path_factory.mktemp("target"), 40, 12))), seed=0)
    return Sentences({name: found.part(name) for name in ("train", "validation", "fit")}, found.part("test"))


def short_plan(name: str, source: Source, target: Sentences) -> Plan:
    strategy = strategies.get(name)
    options = {key: value for key, value in SHORT.items() if key in strategy.model_fields}
    options |= {"freeze": source.stages[-2].name} if name == "finetune" else {}
    sizes = Sizes(len(target.parts["train"]), len(target.parts["validation"]))
    return strategy(**options).plan(source, choose(target.parts["fit"]), sizes, 0)


def test_whole_examples_are_no_places(source: Source, target: Sentences) -> None:
    with pytest.raises(StrategyError, match="tagging answers at places"):
        short_plan("contrastive", source, target)


@pytest.mark.parametrize("name", [name for name in strategies.names() if name != "contrastive"])
def test_frozen_and_sealed(name: str, source: Source, target: Sentences, tmp_path: Path) -> None:
    """The test's labels raise; what is frozen has the same digest before and after; a word gets a row of scores."""
    trained = run(short_plan(name, source, target), source, target.parts, workplace(tmp_path, "state"))
    assert trained.frozen_before == trained.frozen_after
    found = scores(trained, target.test, Bank(tmp_path / "bank"))["label"]
    with pytest.raises(SealedError):
        target.test.labels()
    words = [len(one) for one in target.test.table.column("label").take(target.test.indices).to_pylist()]
    assert lengths(found).tolist() == words
    assert all(one.shape[1] == 5 and np.isfinite(one).all() for one in found)


def test_network_and_bank_agree(source: Source, target: Sentences, tmp_path: Path) -> None:
    """A head that was trained without any step answers live as from the bank."""
    plan = short_plan("finetune", source, target)
    place = workplace(tmp_path)
    trained = run(plan, source, target.parts, place)
    live = scores(trained, target.test, place.bank)["label"]
    still = dataclasses.replace(trained, weights={})
    body = Network(trained.source).body.state_dict()
    same = dataclasses.replace(trained, weights={name: body[name].numpy() for name in trained.weights})
    for one, other in zip(scores(still, target.test, place.bank)["label"],
                          scores(same, target.test, place.bank)["label"], strict=True):  # fmt: skip
        assert np.allclose(one, other, atol=0.05 * np.abs(other).max())
    assert not all(np.allclose(one, other) for one, other in zip(live, scores(still, target.test, place.bank)["label"],
                                                                 strict=True))  # fmt: skip


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_stopped_anywhere(
    share: float, source: Source, target: Sentences, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = short_plan("finetune", source, target)
    whole, steps = count_steps(plan, source, target, workplace(tmp_path, "whole"), monkeypatch)  # type: ignore[arg-type]
    place = workplace(tmp_path, "stopped")
    with watched(monkeypatch, stop_at(int(share * steps))), pytest.raises(Stopped):
        run(plan, source, target.parts, place)
    assert_same(run(plan, source, target.parts, place), whole)


WORDS = ["anna", "saw", "the", "book", "in", "london", "and", "peter", "read", "it"]


def test_long_sentences_come_in_windows(source: Source) -> None:
    """Every word of a sentence of any length has a place, which holds its own piece, with context on both sides."""
    words = WORDS * 31
    inputs = source.prepare(words)
    rows, length = inputs["input_ids"].shape
    assert rows > 1 and length == 64 and inputs["places"].shape == (310,)
    wanted = source.prepare(WORDS)
    known = wanted["input_ids"].ravel()[wanted["places"]]
    assert np.array_equal(inputs["input_ids"].ravel()[inputs["places"]], np.tile(known, 31))
    inside = inputs["places"] % length
    first = inputs["places"] < length
    last = inputs["places"] >= (rows - 1) * length
    assert inside[~first].min() >= 8 and inside[~last].max() <= length - 9
    batch = source.collate([wanted, inputs, wanted])
    for example, own in zip(batch["places"], (wanted, inputs, wanted), strict=True):
        real = example[example >= 0]
        assert np.array_equal(batch["input_ids"].ravel()[real], own["input_ids"].ravel()[own["places"]])


def test_question_and_context(source: Source) -> None:
    """Place 0 is the start mark; then every piece of the context, however long; none of the question."""
    context = " ".join(WORDS * 20)
    inputs = source.prepare({"question": "who saw the film", "context": context})
    numbers = inputs["input_ids"].ravel()[inputs["places"]]
    tokenizer = source.windows._words  # type: ignore[attr-defined]
    assert numbers[0] == tokenizer.token_to_id("[CLS]") and inputs["places"][0] == 0
    assert numbers[1:].tolist() == [tokenizer.token_to_id(word) for word in WORDS * 20]
    asked = source.prepare({"question": "the " * 500, "context": context})
    assert len(asked["places"]) == 201 and asked["input_ids"].shape[1] <= 64


def test_features_at_places_do_not_depend_on_the_batch(source: Source, tmp_path: Path) -> None:
    sentences = [WORDS[:3], WORDS * 12, WORDS, ["\u200b", "anna", "\u200b"]]
    keys = list(map(str, range(4)))
    examples = Examples(from_memory(sentences, modality="text"), np.arange(4), keys)
    point = Point(source.stages[-1].name, "places")
    together = features_of(Bank(tmp_path / "one"), source, examples, [point]).at[point]
    assert lengths(together).tolist() == [3, 120, 10, 3]
    for row in range(4):
        alone = features_of(Bank(tmp_path / f"{row}"), source, examples.take(np.array([row])), [point]).at[point][0]
        assert np.allclose(alone, together[row], atol=0.05)
    assert Bank(tmp_path / "one").verify() == {}
    network = Network(source).eval()
    inputs = {name: torch.from_numpy(value) for name, value in source.collate([source.prepare(WORDS)]).items()}
    with torch.no_grad():
        heard = network(inputs, [point.stage])[point.stage]
    assert np.allclose(together[2], heard[0, 1:11].numpy(), atol=0.05)
    assert [not path.name.endswith("places") for path in (tmp_path / "one").rglob("*view0")] == [True]


def test_what_has_no_places_is_refused(tmp_path: Path) -> None:
    decoder = open_source(write_text_model(tmp_path / "gpt2", "gpt2"))
    with pytest.raises(SourceError, match=r"gpt2.*left to right.*encoder"):
        decoder.reading("places")
    with pytest.raises(SourceError, match=r"as a whole.*text encoder"):
        open_source("builtin/image-tiny").reading("places")
