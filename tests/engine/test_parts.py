"""The engine's small parts, each against an independent computation."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

from contracts.networks import Target, open_kind, workplace
from contracts.texts import sentence, write_text_model
from headstart.bank import Filled
from headstart.core.errors import HeadstartError
from headstart.core.recent import Recent
from headstart.data import checks, splits
from headstart.data.batches import batch_positions
from headstart.data.read import read
from headstart.engine import checkpoint
from headstart.engine.averaging import Averaged, put, trainable
from headstart.engine.feed import Feed
from headstart.engine.heads import TrainableHead, random_head
from headstart.engine.mixing import can_mix, mixed, partners, soft
from headstart.engine.objectives import Step, objectives
from headstart.engine.optimisers import schedule_factor
from headstart.engine.plan import Head, Plan, Schedule, Stream, Train
from headstart.engine.plan import Length as How
from headstart.engine.trained import LinearHead
from headstart.sources import open_source
from headstart.sources.texts.source import SHOWN
from headstart.tasks import choose


@pytest.fixture(autouse=True)
def _eager(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADSTART_RUNTIME", "eager")


class TestSchedule:
    @given(warm_up=some.floats(0, 0.9), floor=some.floats(0, 1), progress=some.floats(0, 1))
    def test_between_nothing_and_all(self, warm_up: float, floor: float, progress: float) -> None:
        factor = schedule_factor(Schedule(warm_up, floor), progress)
        assert 0 < factor <= 1 + 1e-9 or (factor >= 0 and progress > 0.99)

    def test_shape(self) -> None:
        schedule = Schedule(0.2, 0.1)
        assert schedule_factor(schedule, 0.1) == pytest.approx(0.5, abs=0.01)
        assert schedule_factor(schedule, 0.2) == pytest.approx(1.0)
        assert schedule_factor(schedule, 0.6) == pytest.approx(0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi / 2)))
        assert schedule_factor(schedule, 1.0) == pytest.approx(0.1)


class TestMixing:
    """Against torchvision's own MixUp and CutMix, from the same random numbers."""

    @pytest.mark.parametrize("kind", ["mixup", "cutmix"])
    @pytest.mark.parametrize("seed", range(6))
    def test_pictures(self, kind: str, seed: int) -> None:
        from torchvision.transforms import v2

        maps, classes = torch.randn(6, 3, 12, 9), torch.tensor([0, 1, 2, 0, 1, 2])
        theirs = v2.MixUp(alpha=0.2, num_classes=3) if kind == "mixup" else v2.CutMix(alpha=1.0, num_classes=3)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            expected, targets = theirs(maps, classes)
        one_hot = torch.nn.functional.one_hot(classes, 3).float()
        for layout, values in (("map", maps), ("map-last", maps.permute(0, 2, 3, 1))):
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                found, share = mixed(kind, values, layout)
            channels_first = found if layout == "map" else found.permute(0, 3, 1, 2)
            assert torch.allclose(channels_first, expected, atol=1e-6)
            assert torch.allclose(share * one_hot + (1 - share) * one_hot.roll(1, 0), targets, atol=1e-6)

    def test_sequences_and_pooled(self) -> None:
        values = torch.arange(12.0).reshape(3, 4)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            found, share = mixed("mixup", values, "pooled")
        assert torch.allclose(found, share * values + (1 - share) * values[[2, 0, 1]])
        cut, plain = Stream("a", "train", (), mix="cutmix"), Stream("a", "train", (), mix="mixup")
        assert [can_mix(cut, layout) for layout in ("map", "map-last", "sequence", "pooled")] == [
            True,
            True,
            False,
            False,
        ]
        assert can_mix(plain, "pooled")

    def test_targets(self, target: Target) -> None:
        task = target.task("classification")
        assert torch.equal(soft(torch.tensor([2, 0]), task), torch.tensor([[0.0, 0, 1], [1, 0, 0]]))
        numbers = torch.tensor([1.5, 2.5])
        assert soft(numbers, target.task("regression")) is numbers


class TestHeads:
    @settings(max_examples=30, deadline=None)
    @given(outputs=some.integers(1, 4), scale=some.floats(1e-3, 1e6), shift=some.floats(-1e6, 1e6))
    def test_units_change_nothing_but_the_parameters(self, outputs: int, scale: float, shift: float) -> None:
        random = np.random.default_rng(0)
        head = LinearHead(("a",), random.normal(size=(5, outputs)) * scale, random.normal(size=outputs) * scale + shift)
        module = TrainableHead(head, (np.full(outputs, shift), np.full(outputs, scale)))
        features = random.normal(size=(7, 5)).astype(np.float32)
        with torch.no_grad():
            answers = module(torch.from_numpy(features)).double().numpy()
        assert np.allclose(answers, head.scores(features), rtol=1e-4, atol=1e-4 * (scale + abs(shift)))
        again = module.as_arrays(("a",))
        assert np.allclose(again.weight, head.weight, rtol=1e-5, atol=1e-6 * scale)
        assert float(module.weight.detach().abs().max()) < 10

    def test_without_units_nothing_is_rounded(self) -> None:
        head = LinearHead(
            ("a",), np.float32(np.random.default_rng(0).normal(size=(5, 2))).astype(np.float64), np.ones(2)
        )
        again = TrainableHead(head, None).as_arrays(("a",))
        assert np.array_equal(again.weight, head.weight) and np.array_equal(again.bias, head.bias)

    def test_random_start_is_of_seed_and_name(self) -> None:
        heads = (Head("one", {}, ("a",)), Head("two", {}, ("a",)))
        plan, other = Plan("p", (), heads, ()), Plan("p", (), heads, (), seed=1)
        first = random_head(plan, "one", 8, 2, None)
        assert np.array_equal(first.weight, random_head(plan, "one", 8, 2, None).weight)
        assert not np.array_equal(first.weight, random_head(plan, "two", 8, 2, None).weight)
        assert not np.array_equal(first.weight, random_head(other, "one", 8, 2, None).weight)
        assert np.abs(first.weight).max() < 0.1 and not first.bias.any()


class TestAveraging:
    def test_moving_average(self) -> None:
        model = torch.nn.Linear(1, 1, bias=False)
        put(model, {"weight": torch.zeros(1, 1)})
        averaged = Averaged(Train("t", (), (), How(), averaging="ema", averaging_rate=0.9), model)
        expected = 0.0
        for step in range(1, 40):
            put(model, {"weight": torch.full((1, 1), float(step))})
            averaged.update(model, step)
            decay = min(0.9, (1 + step) / (10 + step))
            expected = decay * expected + (1 - decay) * step
            assert float(averaged.result(model)["weight"]) == pytest.approx(expected, rel=1e-5)

    def test_only_what_trains(self) -> None:
        model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2))
        model[0].requires_grad_(False)
        assert set(trainable(model)) == {"1.weight", "1.bias"}


class TestObjectives:
    def test_coral(self) -> None:
        random = np.random.default_rng(0)
        one, other = random.normal(size=(20, 6)), 2 * random.normal(size=(30, 6)) + 1
        pooled = {"a": {"s": torch.tensor(one)}, "b": {"s": torch.tensor(other)}}
        term = objectives.get("coral")(torch.nn.Identity(), {"streams": ["a", "b"], "stage": "s"})
        found = float(term(Step(torch.nn.Identity(), pooled, {}, {}, {}, 0.0)))
        expected = ((np.cov(one.T) - np.cov(other.T)) ** 2).sum() / (4 * 36)
        assert found == pytest.approx(expected, rel=1e-4)

    @pytest.mark.parametrize("name", objectives.names())
    def test_every_one_can_be_fetched(self, name: str) -> None:
        assert objectives.get(name).__doc__
        with pytest.raises(HeadstartError, match="no objective called"):
            objectives.get(f"{name}-not")


class TestCheckpoint:
    def test_optimiser_state_survives(self, tmp_path: Path) -> None:
        """Two steps, saved, one more; restored, the same one more."""

        def made() -> tuple[torch.nn.Linear, torch.optim.AdamW]:
            model = torch.nn.Linear(3, 2)
            put(model, {"weight": torch.ones(2, 3), "bias": torch.zeros(2)})
            return model, torch.optim.AdamW(model.parameters(), lr=0.1)

        def step(model: torch.nn.Linear, optimiser: torch.optim.AdamW) -> None:
            optimiser.zero_grad()
            model(torch.ones(1, 3)).pow(2).sum().backward()
            optimiser.step()

        model, optimiser = made()
        step(model, optimiser)
        step(model, optimiser)
        tensors, numbers = checkpoint.optimiser_tensors(optimiser)
        own = {f"model.{name}": value for name, value in model.state_dict().items()}
        checkpoint.save(tmp_path / "state", tensors | own, {"numbers": numbers, "step": 2})
        step(model, optimiser)
        again, other = made()
        loaded, document = checkpoint.load(tmp_path / "state")
        again.load_state_dict({name: loaded[f"model.{name}"] for name in ("weight", "bias")})
        checkpoint.restore_optimiser(other, loaded, document["numbers"])
        step(again, other)
        assert document["step"] == 2 and torch.equal(again.weight, model.weight)


class TestFeed:
    def feed(self, stream: Stream, target: Target, networks: Path, root: Path, cut: str | None) -> Feed:
        source = open_kind("layer norm", networks)
        tasks = {"label": target.task("classification")}
        return Feed(stream, target.parts["train"], tasks, source, workplace(root).bank, cut, 0, Filled())

    def test_a_pure_function_of_the_step(self, target: Target, networks: Path, tmp_path: Path) -> None:
        stream = Stream("target", "train", ("label",), batch=8, views=2)
        feed = self.feed(stream, target, networks, tmp_path, None)
        ahead = list(feed.batches(0, 6))
        for step in (5, 0, 3):
            batch = feed.batch(step)
            assert batch.keys == ahead[step].keys
            assert all(torch.equal(batch.inputs[name], ahead[step].inputs[name]) for name in batch.inputs)
        labels = dict(zip(feed.keys, target.parts["train"].labels("shape"), strict=True))
        names = target.task("classification").labels
        for batch in ahead:
            assert [names[int(number)] for number in batch.targets["label"]] == [labels[key] for key in batch.keys]

    def test_every_example_once_an_epoch_and_views_take_turns(
        self, target: Target, networks: Path, tmp_path: Path
    ) -> None:
        stream = Stream("target", "train", ("label",), batch=10, views=2)
        feed = self.feed(stream, target, networks, tmp_path, None)
        assert feed.steps(2) == 6
        seen = [(key, view) for batch in feed.batches(0, 6) for key, view in zip(batch.keys, batch.views, strict=True)]
        assert sorted(seen) == sorted((key, view) for key in feed.keys for view in (0, 1))

    def test_activations_are_those_of_the_cut(
        self, target: Target, networks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from headstart.sources.network import Network

        monkeypatch.setenv("HEADSTART_RUNTIME", "reference")
        source = open_kind("layer norm", networks)
        cut = source.stages[1].name
        stream = Stream("target", "train", ("label",), batch=8, views=2)
        entered, live = (self.feed(stream, target, networks, tmp_path, where) for where in (cut, None))
        network = Network(source).eval()
        for step in (0, 4, 7):  # within the first epoch, the second, and over the border
            one, other = entered.batch(step), live.batch(step)
            assert one.entered is not None and one.keys == other.keys
            with torch.no_grad():
                expected = network(other.inputs, [cut])[cut]
            assert torch.allclose(one.entered[1], expected, atol=1e-3, rtol=1e-3)

    def test_no_step_reads_long_texts_whole(self, tmp_path: Path) -> None:
        """So that its memory does not follow the longest texts; answers still read all of them."""
        rows = [{"text": f"{sentence('good', n)} " * 200 + str(n), "label": "ab"[n % 2]} for n in range(40)]
        (tmp_path / "long.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
        examples = splits.split(checks.check(read(tmp_path / "long.jsonl")), seed=0).part("fit")
        tasks = {"label": choose(examples)}
        source = open_source(write_text_model(tmp_path / "model", "bert"))
        stream = Stream("target", "fit", ("label",), batch=8, views=4)
        feed = Feed(stream, examples, tasks, source, workplace(tmp_path).bank, None, 0, Filled())
        steps = list(feed.batches(0, feed.steps(5)))
        assert max(batch.inputs["input_ids"].numel() for batch in steps) <= 8 * SHOWN
        assert max(batch.inputs["input_ids"].numel() / len(batch) for batch in feed.in_order()) > 4 * SHOWN

    @given(count=some.integers(1, 40), size=some.integers(1, 50), steps=some.integers(1, 12))
    def test_positions(self, count: int, size: int, steps: int) -> None:
        batches = [batch_positions(count, size, 0, step) for step in range(steps)]
        joined = np.concatenate(batches)
        assert all(len(batch) == min(size, count) for batch in batches)
        for start in range(0, len(joined) - count + 1, count):
            assert sorted(joined[start : start + count]) == list(range(count))

    def test_examples_of_several_rows(self) -> None:
        rows = torch.tensor([[0, 1, 2], [3, -1, -1], [4, 5, -1]])
        assert partners(rows).tolist() == [4, 5, 4, 0, 3, 3]
        values = torch.arange(6.0)[:, None]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            found, share = mixed("mixup", values, "pooled", partners(rows))
        assert torch.allclose(found, share * values + (1 - share) * values[[4, 5, 4, 0, 3, 3]])


def test_what_was_worked_out_lately_is_kept_while_it_fits() -> None:
    recent, made = Recent(2 * 8 * 8), []

    def ask(number: int) -> None:
        def make() -> np.ndarray:
            made.append(number)
            return np.full(8, float(number))

        assert (recent.get(str(number), make) == number).all()

    for number in (1, 2, 1, 2, 3, 2, 3, 1, 3):
        ask(number)
    assert made == [1, 2, 3, 1], "3 takes the place of 1, and 1 that of 2"
    assert recent.get("large", lambda: np.zeros(100)).shape == (100,)
    with pytest.raises(ValueError):
        recent.get("3", lambda: np.zeros(8))[0] = 1
