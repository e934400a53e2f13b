"""The strategies' options: what they freeze, what they refuse, and with which sentence."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path

import numpy as np
import pydantic
import pytest

from contracts.networks import Target, open_kind, workplace
from contracts.plans import go, short_plan, sizes
from contracts.texts import write_text_model
from headstart.core.errors import HeadstartError, SourceError, StrategyError
from headstart.engine.own import own_head
from headstart.engine.plan import Solve
from headstart.engine.solve import toward_trained
from headstart.engine.trained import LinearHead
from headstart.sources import Source, open_source
from headstart.strategies import Target as Sizes
from headstart.strategies import strategies
from headstart.strategies.finetune import DEFAULT_SHARE, MANY, Finetune, stages_after
from headstart.strategies.probe import Probe
from headstart.tasks import tasks


def test_freeze(source: Source) -> None:
    names = [stage.name for stage in source.stages]
    assert stages_after(source, "none") == names
    assert stages_after(source, "all") == []
    for place, name in enumerate(names):
        assert stages_after(source, name) == names[place + 1 :]
    auto = stages_after(source, "auto")
    total = sum(stage.parameters for stage in source.stages)
    share = [sum(stage.parameters for stage in source.stages[place:]) / total for place in range(len(names))]
    assert auto == names[-len(auto) :]
    first = names.index(auto[0])
    assert share[first] >= DEFAULT_SHARE and (first == len(names) - 1 or share[first + 1] < DEFAULT_SHARE)


@pytest.mark.parametrize(("count", "task", "everything"), [
    (MANY, "classification", True), (MANY - 1, "classification", False), (MANY, "tagging", False),
])  # fmt: skip
def test_many_texts_train_everything(count: int, task: str, everything: bool, tmp_path: Path) -> None:
    source = open_source(write_text_model(tmp_path / "bert", "bert"))
    labels = ["a", "b"] if task == "classification" else [["O"], ["B-a"]]
    plan = Finetune().plan(source, tasks.get(task).from_labels("label", labels), Sizes(count, 500), 0)
    assert (source.stages[0].name in dict(plan.trainings[0].trains)) == everything


def test_rates_fall_towards_the_input(source: Source, target: Target) -> None:
    plan = short_plan("finetune", source, target, freeze="none", learning_rate=1e-3, decay=0.5, head_rate=2e-3)
    rates = dict(plan.trainings[0].trains)
    values = [rates[stage.name] for stage in source.stages]
    assert values[-1] == 1e-3 and rates["label"] == 2e-3
    assert np.allclose(np.array(values[1:]) / np.array(values[:-1]), 2.0)


def test_heads_are_told_what_trains(source: Source, target: Target) -> None:
    for freeze in ("none", "auto", "all"):
        plan = short_plan("finetune", source, target, freeze=freeze)
        solved = next(phase for phase in plan.phases if isinstance(phase, Solve))
        with_weights = [stage.name for stage in source.stages if stage.parameters]
        assert list(solved.trained) == [name for name in with_weights if name in stages_after(source, freeze)]


@pytest.mark.parametrize(
    ("trained", "losses", "taken"),
    [
        (("guide",), (1.0, 1.2, 1.04), 2),  # about as good as the past alone, which training has no effect on
        (("guide",), (1.0, 1.2, 1.06), 0),
        ((), (1.0, 1.2, 1.04), 0),
        (("guide",), (1.1, 1.0, 1.04), 1),
        (("blocks", "guide"), (1.0, 1.04, 1.03), 2),
    ],
)
def test_a_head_that_training_changes_is_taken_where_it_is_about_as_good(
    trained: tuple[str, ...], losses: tuple[float, ...], taken: int
) -> None:
    phase = Solve("label", "train", (("past",), ("guide",), ("past", "guide")), trained=trained)
    before = np.eye(3)[int(np.argmin(losses))]
    assert toward_trained(phase, before, losses).tolist() == np.eye(3)[taken].tolist()
    averaged = np.array([0.6, 0.0, 0.4])
    assert toward_trained(phase, averaged, losses) is averaged


def test_gradual_ends_with_everything(source: Source, target: Target) -> None:
    for freeze in ("none", source.stages[1].name, "all"):
        plan = short_plan("finetune", source, target, freeze=freeze, gradual=True)
        sets = [{name for name, _ in phase.trains} for phase in plan.trainings]
        assert sets[0] == {"label"} and sets[-1] == {*stages_after(source, freeze), "label"}
        assert all(one <= other for one, other in itertools.pairwise(sets))


def test_wrong_names_are_refused_with_what_there_is(source: Source, target: Target) -> None:
    with pytest.raises(StrategyError, match=f"has no stage 'nowhere' to freeze up to.*{source.stages[1].name}"):
        short_plan("finetune", source, target, freeze="nowhere")
    wrong = f"{source.stages[1].name}x"
    with pytest.raises(SourceError, match=f"has no stage '{wrong}'. Did you mean .*{source.stages[1].name}"):
        short_plan("probe", source, target, stages=wrong)
    with pytest.raises(HeadstartError, match=r"no strategy called 'prob'. Did you mean probe"):
        strategies.get("prob")
    with pytest.raises(pydantic.ValidationError, match="solver"):
        Probe(solver="guess")
    with pytest.raises(pydantic.ValidationError, match=r"extra_forbidden|Extra inputs"):
        Finetune(speed=3)


@pytest.mark.parametrize("name", strategies.names())
def test_options_say_what_they_mean(name: str) -> None:
    strategy = strategies.get(name)
    assert strategy.title
    for option, field in strategy.model_fields.items():
        assert field.description, option


def test_probe_reads_the_stages_it_is_told(source: Source, target: Target, tmp_path: Path) -> None:
    first, second, last = source.stages[0], source.stages[1], source.stages[-1]
    side = go(
        short_plan("probe", source, target, stages=f"{first.name}+{last.name}"), source, target, workplace(tmp_path)
    )
    assert side.head.at == (first.name, last.name)
    assert side.head.weight.shape == (first.width + last.width, 3)
    each = go(short_plan("probe", source, target, stages="each"), source, target, workplace(tmp_path))
    tried = {tuple(one["stages"]): one["share"] for one in each.solved["label"]["tried"]}
    assert list(tried) == [(stage.name,) for stage in source.stages]
    assert each.head.at == tuple(name for (name,), share in tried.items() if share)
    sets = short_plan("probe", source, target, stages=f"{first.name}, {second.name}+{last.name}")
    (solve,) = sets.phases
    assert isinstance(solve, Solve) and solve.candidates == ((first.name,), (second.name, last.name))


def test_heads_on_several_sets_are_averaged(networks: Path, target: Target, tmp_path: Path) -> None:
    """The head of all gives the scores of each by its share, and is as sure as it is right left out."""
    from headstart.bank import features_of
    from headstart.sources.points import Point

    source, place = open_kind("layer norm", networks), workplace(tmp_path)
    fit, last = target.parts["fit"].take(np.arange(0, len(target.parts["fit"]), 3)), source.stages[-1].name
    few = dataclasses.replace(target, parts={**target.parts, "fit": fit})
    sets = [(source.stages[1].name, last), (source.stages[2].name,), (last,)]
    asked = ",".join("+".join(stages) for stages in sets)
    whole = go(short_plan("probe", source, few, stages=asked), source, few, place)
    tried = whole.solved["label"]["tried"]
    assert sum(one["share"] > 0 for one in tried) > 1
    found = features_of(place.bank, source, fit, [Point(stage.name) for stage in source.stages])

    def scores(head: LinearHead) -> np.ndarray:
        return head.scores(np.concatenate([found.at[Point(stage)] for stage in head.at], axis=1))

    expected = np.zeros((len(fit), 3))
    for one in tried:
        single = go(short_plan("probe", source, few, stages="+".join(one["stages"])), source, few, place)
        expected += one["share"] * scores(single.head)
    got = scores(whole.head)
    factor = float((got * expected).sum() / (expected**2).sum())
    assert got == pytest.approx(factor * expected, abs=0.01 * np.abs(got).max())
    assert whole.solved["label"]["left_out_loss"] <= max(one["left_out_loss"] for one in tried)


def test_views_of_a_probe_are_averaged(networks: Path, target: Target, tmp_path: Path) -> None:
    """The head of several views is the one solved on the mean of their features."""
    from headstart.bank import features_of
    from headstart.sources.points import Point

    source, place = open_kind("layer norm", networks), workplace(tmp_path)
    trained = go(short_plan("probe", source, target, views=3, solver="ridge"), source, target, place)
    point = Point(source.stages[-1].name)
    fit, task = target.parts["fit"], target.task("classification")
    mean = np.mean([features_of(place.bank, source, fit, [point], view).at[point] for view in range(3)], axis=0)
    expected = task.solve(mean, task.encode(fit.labels("shape")), "ridge")
    assert np.allclose(trained.head.weight, expected.weight, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", strategies.names())
def test_without_validation_examples(name: str, networks: Path, target: Target, tmp_path: Path) -> None:
    source = open_kind("batch norm", networks)
    none = target.parts["train"].take(np.array([], np.int64))
    given = dataclasses.replace(target, parts={**target.parts, "train": target.parts["fit"], "validation": none})
    assert sizes(given).validation == 0
    trained = go(short_plan(name, source, given), source, given, workplace(tmp_path))
    assert np.isfinite(trained.head.weight).all()


def test_zero_shot_needs_a_row_for_every_label(networks: Path, target: Target) -> None:
    source = open_kind("layer norm", networks)
    task = target.task("classification")
    assert own_head(source, task) is None
    labels = ("a Square", "nothing", "triangles", "circle, ring, hoop", "last")
    named = open_kind("layer norm", networks)
    named.__dict__["description"] = dataclasses.replace(source.description, labels=labels)
    assert own_head(named, task) is None  # 'a square' is not 'square'
    labels = ("Square", *labels[1:])
    named.__dict__["description"] = dataclasses.replace(source.description, labels=labels)
    head = own_head(named, task)
    assert head is not None
    own = source.weights()[f"{source.description.classifier}.weight"]
    assert np.allclose(head.weight.T, own[[3, 0, 2]])
