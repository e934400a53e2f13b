"""Answers at places: windows lose nothing, and the rules for all tasks hold for those that answer at places."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from contracts.networks import workplace
from contracts.plans import SHORT, Stopped, assert_same, count_steps, stop_at, watched
from contracts.texts import write_conll, write_squad, write_text_model
from headstart.bank import Bank, features_of
from headstart.core.errors import SourceError, StrategyError
from headstart.core.ragged import lengths
from headstart.data import checks, splits
from headstart.data.contents import contents_of
from headstart.data.modalities.text import word_places
from headstart.data.read import read
from headstart.data.readers.memory import from_memory
from headstart.data.table import Examples, SealedError
from headstart.engine.plan import Plan
from headstart.engine.predict import scores
from headstart.engine.run import run
from headstart.engine.trained import Trained
from headstart.sources import Source, open_source
from headstart.sources.network import Network
from headstart.sources.points import Point
from headstart.sources.texts.pieces import Pieces
from headstart.sources.texts.windows import Windows
from headstart.strategies import Target as Sizes
from headstart.strategies import strategies
from headstart.tasks import choose, tasks
from headstart.verbs import artefact


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

    def places(self) -> list[int]:
        """Of each test example, from its label alone."""
        task = choose(self.parts["fit"])
        values = self.test.table.column("label").take(self.test.indices).to_pylist()
        return lengths(task.numbers(task.encode(values))).tolist()


KINDS = {
    "tagging": lambda folder: write_conll(folder, 40, 12),
    "question-answering": lambda folder: write_squad(folder / "squad.json", range(52)),
}
"""Task -> a target of it."""


@pytest.fixture(scope="module", params=list(KINDS))
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Sentences:
    path = KINDS[request.param](tmp_path_factory.mktemp("target"))
    found = splits.split(checks.check(read(path)), seed=0)
    return Sentences({name: found.part(name) for name in ("train", "validation", "fit")}, found.part("test"))


def test_every_task_at_places_is_here() -> None:
    """Those whose labels lie somewhere among the places have tests of their own (`test_speech`)."""
    given = {name: tasks.get(name) for name in tasks.names()}
    assert {name for name, task in given.items() if task.reads == "places" and task.aligned} == set(KINDS)


def short_plan(name: str, source: Source, target: Sentences) -> Plan:
    strategy = strategies.get(name)
    options = {key: value for key, value in SHORT.items() if key in strategy.model_fields}
    options |= {"freeze": source.stages[-2].name} if name == "finetune" else {}
    sizes = Sizes(len(target.parts["train"]), len(target.parts["validation"]))
    return strategy(**options).plan(source, choose(target.parts["fit"]), sizes, 0)


def test_whole_examples_are_no_places(source: Source, target: Sentences) -> None:
    with pytest.raises(StrategyError, match=rf"{choose(target.parts['fit']).kind} answers at places"):
        short_plan("contrastive", source, target)


@pytest.mark.parametrize("name", [name for name in strategies.names() if name != "contrastive"])
def test_frozen_and_sealed(name: str, source: Source, target: Sentences, tmp_path: Path) -> None:
    """The test's labels raise; what is frozen has the same digest before and after; a place gets a row of scores."""
    trained = run(short_plan(name, source, target), source, target.parts, workplace(tmp_path, "state"))
    assert trained.frozen_before == trained.frozen_after
    found = scores(trained, target.test, Bank(tmp_path / "bank"))["label"]
    with pytest.raises(SealedError):
        target.test.labels()
    assert lengths(found).tolist() == target.places()
    assert all(one.shape[1] == trained.task.outputs and np.isfinite(one).all() for one in found)


@pytest.mark.parametrize("name", ["probe", "finetune"])
def test_same_numbers(name: str, source: Source, target: Sentences, tmp_path: Path) -> None:
    plan = short_plan(name, source, target)
    one, other = (run(plan, source, target.parts, workplace(tmp_path / place)) for place in ("one", "two"))
    assert_same(one, other)


@pytest.mark.parametrize("name", ["probe", "finetune", "lora"])
def test_saved_and_opened(
    name: str, source: Source, target: Sentences, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADSTART_RUNTIME", "reference")
    trained = run(short_plan(name, source, target), source, target.parts, workplace(tmp_path, "state"))
    (tmp_path / "run").mkdir()
    artefact.write(tmp_path / "run", trained)
    opened, heads, known = artefact.read(tmp_path / "run")
    assert known == trained.tasks
    again = Trained(trained.plan, opened.reading("places"), known, heads, {})
    bank = Bank(tmp_path / "bank")
    for one, other in zip(scores(trained, target.test, bank)["label"], scores(again, target.test, bank)["label"],
                          strict=True):  # fmt: skip
        assert np.allclose(one, other, atol=0.02 * max(1.0, np.abs(one).max()))


def test_network_and_bank_agree(
    source: Source, target: Sentences, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A head that was trained without any step answers live as from the bank."""
    monkeypatch.setenv("HEADSTART_RUNTIME", "reference")
    plan = short_plan("finetune", source, target)
    place = workplace(tmp_path)
    trained = run(plan, source, target.parts, place)
    live = scores(trained, target.test, place.bank)["label"]
    still = dataclasses.replace(trained, weights={})
    body = Network(trained.source).body.state_dict()
    same = dataclasses.replace(trained, weights={name: body[name].numpy() for name in trained.weights})
    for one, other in zip(scores(still, target.test, place.bank)["label"],
                          scores(same, target.test, place.bank)["label"], strict=True):  # fmt: skip
        assert np.allclose(one, other, atol=0.02 * np.abs(other).max())
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
    """Place 0 is the start mark; then the first piece of every word of the context, however long; none of the
    question."""
    context = " ".join(WORDS * 20)
    inputs = source.prepare({"question": "who saw the film", "context": context})
    numbers = inputs["input_ids"].ravel()[inputs["places"]]
    tokenizer = source.windows._words  # type: ignore[attr-defined]
    assert numbers[0] == tokenizer.token_to_id("[CLS]") and inputs["places"][0] == 0
    assert numbers[1:].tolist() == [tokenizer.token_to_id(word) for word in WORDS * 20]
    asked = source.prepare({"question": "the " * 500, "context": context})
    assert len(asked["places"]) == 201 and asked["input_ids"].shape[1] <= 64
    long = Examples(from_memory([{"question": "the " * 500, "context": context}], modality="text"), np.arange(1), [""])
    assert source.remarks(contents_of(long), {}) == ["1 question is so long that the end is not read."]
    assert source.remarks([{"question": "the film", "context": context}], {}) == []


def test_words_of_a_context_are_the_same_for_every_tokenizer(source: Source) -> None:
    """Signs are places of their own, also where the tokenizer has one piece for several of them, or none for one."""
    context = 'anna  (in london, "paris"...) \u200b saw 東京 it.'
    words = [context[begin:end] for begin, end in word_places(context)]
    assert words[:7] == ["anna", "(", "in", "london", ",", '"', "paris"]
    assert words[7:] == ['"', ".", ".", ".", ")", "\u200b", "saw", "東", "京", "it", "."]
    inputs = source.prepare({"question": "who", "context": context})
    numbers = inputs["input_ids"].ravel()[inputs["places"]].tolist()
    number = source.windows._words.token_to_id  # type: ignore[attr-defined]
    assert len(numbers) == 1 + len(words) and numbers[0] == number("[CLS]")
    letters = [(one, word) for one, word in zip(numbers[1:], words, strict=True) if word.isascii() and word.isalpha()]
    assert len(letters) == 6 and all(one == number(word) for one, word in letters)
    assert len(set(inputs["places"][8:13].tolist())) == 1  # the tokenizer takes  "...)  for one piece


@pytest.mark.parametrize("kind", ["bytes", "spaces", "no marks"])
def test_places_of_other_tokenizers(kind: str) -> None:
    """A place is the first piece of its word, whether pieces begin with the space before a word or not; in every
    window."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace() if kind == "spaces" else pre_tokenizers.ByteLevel()
    context = "Anna's café (near Łódź) costs €12.50,  said the “Zeitung” in 1999. " * 12
    alphabet = [] if kind == "spaces" else pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=320, initial_alphabet=alphabet, special_tokens=["<s>", "</s>"], show_progress=False
    )
    tokenizer.train_from_iterator([context, "who said what"], trainer)
    if kind != "no marks":
        tokenizer.post_processor = processors.RobertaProcessing(("</s>", 1), ("<s>", 0), trim_offsets=kind == "bytes")
    whole = tokenizer.encode(context, add_special_tokens=False)
    windows = Windows(Pieces(tokenizer, segments=False, padding=0), 48)
    inputs = windows.encode(("who said what", context))
    places = inputs["places"][1:]
    assert inputs["input_ids"].shape[0] > 3
    for (begin, end), place in zip(word_places(context), places, strict=True):
        first = next(number for number, (start, behind) in enumerate(whole.offsets) if start < end and behind > begin)
        assert inputs["input_ids"].ravel()[place] == whole.ids[first], context[begin:end]


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
