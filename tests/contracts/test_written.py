"""The rules for all tasks hold for answers that a source writes: frozen, sealed, resumed, the same, saved."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from contracts.networks import workplace
from contracts.plans import SHORT, Stopped, assert_same, count_steps, stop_at, unstopped, watched
from contracts.texts import pair, write_text_model
from headstart.core.errors import StrategyError
from headstart.data import checks, splits
from headstart.data.readers.memory import from_memory
from headstart.data.table import Examples, SealedError
from headstart.engine.feed import Feed
from headstart.engine.plan import Plan
from headstart.engine.predict import scores
from headstart.engine.run import run
from headstart.engine.trained import Trained
from headstart.sources import Source, open_source
from headstart.sources.network import Network
from headstart.sources.stages import belongs
from headstart.strategies import Target as Sizes
from headstart.strategies import strategies
from headstart.tasks import choose
from headstart.verbs import artefact

FAMILIES = ("t5", "bart", "marian")
NAMES = ("finetune", "lora", "scratch")


@dataclasses.dataclass(frozen=True)
class Pairs:
    parts: dict[str, Examples]
    test: Examples


@pytest.fixture(scope="module")
def target() -> Pairs:
    texts, answers = zip(*map(pair, range(40)), strict=True)
    table = dataclasses.replace(from_memory(texts, answers, modality="text", written=True), written=True)
    found = splits.split(checks.check(table), seed=0)
    return Pairs({name: found.part(name) for name in ("train", "validation", "fit")}, found.part("test"))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    for family in FAMILIES:
        write_text_model(folder / family, family, **({"dropout_rate": 0.2} if family == "t5" else {"dropout": 0.2}))
    return folder


def opened(models: Path, family: str, target: Pairs) -> Source:
    return open_source(models / family).with_head("seq2seq-lm").writing(target.parts["fit"].labels(), 2)


def short_plan(name: str, source: Source, target: Pairs, **options: Any) -> Plan:
    strategy = strategies.get(name)
    given = {key: value for key, value in SHORT.items() if key in strategy.model_fields}
    sizes = Sizes(len(target.parts["train"]), len(target.parts["validation"]))
    return strategy(**{**given, **options}).plan(source, choose(target.parts["fit"], "seq2seq"), sizes, 0)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("name", "frozen"), [("finetune", 3), ("finetune", 1), ("lora", 3), ("scratch", 0)])
def test_frozen_stays_frozen(
    name: str, frozen: int, family: str, models: Path, target: Pairs, tmp_path: Path
) -> None:  # fmt: skip
    """With the first stage, or half of the encoder, frozen: shared word vectors move with their stage alone."""
    source = opened(models, family, target)
    freeze = {"freeze": source.stages[frozen - 1].name} if frozen else {}
    plan = short_plan(name, source, target, **freeze)
    trained = run(plan, source, target.parts, workplace(tmp_path))
    assert trained.frozen_before == trained.frozen_after and len(source.stages) - len(plan.trained_stages()) == frozen
    before, after = trained.source.weights(), artefact.state_of(trained)
    owned = [path for stage in source.stages[:frozen] for path in stage.owns]
    assert before.keys() == after.keys()
    changed = {key for key in before if not np.array_equal(before[key], after[key])}
    assert changed and not [key for key in changed if belongs(key, owned)]
    if frozen:
        fresh, other = Network(trained.source).eval(), Network(trained.source).eval()
        other.body.load_state_dict({key: torch.from_numpy(one) for key, one in trained.weights.items()}, strict=False)
        batch = {key: torch.from_numpy(one) for key, one in source.noise(3).items()}
        at = source.stages[frozen - 1].name
        with torch.no_grad():
            assert torch.equal(fresh(batch, [at])[at], other(batch, [at])[at])


class Hidden(Examples):
    """Test examples whose answers must not be read."""

    def labels(self, column: str = "label") -> list[object]:
        raise SealedError("the test was read")


@pytest.mark.parametrize("name", NAMES)
def test_sealed(name: str, models: Path, target: Pairs, tmp_path: Path) -> None:
    """Answers of the test never reach the network: with others in their place, the same is written."""
    source = opened(models, "bart", target)
    plan = short_plan(name, source, target)
    hidden = Hidden(target.test.table, target.test.indices, target.test.keys)
    place = workplace(tmp_path)
    trained = run(plan, source, {**target.parts, "test": hidden}, place)
    found = scores(trained, hidden, place.bank)["label"]
    with pytest.raises(SealedError):
        target.test.labels()
    labels = target.test.table.strings("label")
    for row, other in zip(target.test.indices, reversed(target.test.indices), strict=True):
        labels[int(row)] = target.test.table.strings("label")[int(other)] + " anna peter maria"
    table = target.test.table.with_column("label", labels)
    parts = {key: dataclasses.replace(one, table=table) for key, one in target.parts.items()}
    test = dataclasses.replace(target.test, table=table)
    again = run(plan, source, parts, workplace(tmp_path / "other"))
    assert_same(trained, again)
    assert all(np.array_equal(one, other) for one, other in zip(found, scores(again, test, place.bank)["label"],
                                                                strict=True))  # fmt: skip


def test_only_streams_that_learn_are_taught(models: Path, target: Pairs, tmp_path: Path) -> None:
    from headstart.bank import Filled
    from headstart.engine.plan import Stream

    source = opened(models, "t5", target)
    task = choose(target.parts["fit"], "seq2seq")
    place = workplace(tmp_path)
    for heads in ((), ("label",)):
        feed = Feed(Stream("any", "fit", heads), target.parts["fit"], {"label": task}, source, place.bank, None, 0,
                    Filled())  # fmt: skip
        inputs = next(feed.in_order()).inputs
        assert ("labels" in inputs) == bool(heads)
    with pytest.raises(SealedError):
        Feed(Stream("any", "test", ("label",)), target.test, {"label": task}, source, place.bank, None, 0, Filled())


@pytest.mark.parametrize(("name", "family"), [*(("finetune", family) for family in FAMILIES), ("lora", "bart")])
def test_stopped_anywhere(
    name: str, family: str, models: Path, target: Pairs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = opened(models, family, target)
    plan = short_plan(name, source, target, freeze="none")
    whole, steps = count_steps(plan, source, target, workplace(tmp_path, "whole"), monkeypatch)  # type: ignore[arg-type]
    for share in (0.3, 0.9):
        place = workplace(tmp_path, f"stopped{share}")
        with watched(monkeypatch, stop_at(int(share * steps))), pytest.raises(Stopped):
            run(plan, source, target.parts, place)
        assert_same(run(plan, source, target.parts, place), whole)


@pytest.mark.parametrize("name", NAMES)
def test_same_numbers(name: str, models: Path, target: Pairs, tmp_path: Path) -> None:
    source = opened(models, "marian", target)
    plan = short_plan(name, source, target)
    before = torch.get_rng_state()
    one, other = (run(plan, source, target.parts, workplace(tmp_path / place)) for place in ("one", "other"))
    assert_same(one, other)
    bank = workplace(tmp_path).bank
    first, second = (scores(trained, target.test, bank)["label"] for trained in (one, other))
    assert all(np.array_equal(*both) for both in zip(first, second, strict=True))
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_saved_answers_the_same(family: str, models: Path, target: Pairs, tmp_path: Path) -> None:
    """To us and to transformers, whose own class writes the same answers with the settings in the folder."""
    source = opened(models, family, target)
    plan = unstopped(short_plan("finetune", source, target, freeze="none", learning_rate=0.01))
    trained = run(plan, source, target.parts, workplace(tmp_path))
    folder = tmp_path / "run"
    folder.mkdir()
    assert artefact.write(folder, trained) == "transformers.AutoModelForSeq2SeqLM.from_pretrained('.')"
    theirs = transformers.AutoModelForSeq2SeqLM.from_pretrained(folder, dtype="float32").eval()
    kept = theirs.state_dict()
    for name, value in trained.weights.items():
        assert torch.equal(kept[name], torch.from_numpy(value)), name
    bank = workplace(tmp_path).bank
    ours = scores(trained, target.test, bank)["label"]
    again, _, tasks = artefact.read(folder)
    saved = Trained(Plan("saved", (), trained.plan.heads, ()), again, tasks, {}, {})
    assert all(np.array_equal(*both) for both in zip(ours, scores(saved, target.test, bank)["label"], strict=True))
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    texts = [target.test.table.memory[int(row)] for row in target.test.indices]
    for text, answer in zip(texts, trained.task.decode(ours).answers, strict=True):
        found = theirs.generate(tokenizer(text, return_tensors="pt").input_ids)
        assert tokenizer.decode(found[0], skip_special_tokens=True).strip() == answer


@pytest.mark.parametrize(("name", "message"), [("probe", "no closed form"), ("contrastive", "finetune or lora")])
def test_strategies_that_need_features_are_refused(name: str, message: str, models: Path, target: Pairs) -> None:
    with pytest.raises(StrategyError, match=message):
        short_plan(name, opened(models, "t5", target), target)
