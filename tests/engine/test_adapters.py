"""Adapters: where they stand, that merging them changes no answer, and that peft opens what is saved."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

import headstart as hs
from contracts.networks import KINDS, Target, make_target, open_kind, randomise, workplace
from contracts.plans import go, short_plan, unstopped
from contracts.texts import FAMILIES, write_reviews, write_text_model
from headstart.core.errors import StrategyError
from headstart.engine import adapters
from headstart.engine.plan import Adapters
from headstart.engine.training import Training
from headstart.sources import open_source
from headstart.sources.network import Network
from headstart.strategies import strategies


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Target:
    return make_target(tmp_path_factory.mktemp("target"))


def outputs(body: torch.nn.Module, inputs: object) -> torch.Tensor:
    with torch.no_grad():
        found = body(**inputs) if isinstance(inputs, dict) else body(inputs)
    return found if isinstance(found, torch.Tensor) else found[0]


def shaken(body: torch.nn.Module) -> None:
    """Gives every adapter something to add: they start as zero."""
    with torch.no_grad():
        for name, parameter in body.named_parameters():
            if ".lora_" in name:
                parameter.add_(0.1 * torch.randn(parameter.shape, generator=torch.manual_seed(len(name))))


@pytest.mark.parametrize("dora", [False, True])
@pytest.mark.parametrize("family", [*KINDS, *FAMILIES])
def test_merged_answers_as_unmerged(family: str, dora: bool, tmp_path: Path) -> None:
    source = open_kind(family, tmp_path) if family in KINDS else open_source(write_text_model(tmp_path / "m", family))
    body = source.module()
    inputs = source.entry()({name: torch.from_numpy(value) for name, value in source.noise(3).items()})
    before, names = outputs(body, inputs), set(body.state_dict())
    paths = [path for stage in source.stages for path in stage.owns]
    given = Adapters(tuple(adapters.adaptable(body, paths)), rank=3, dora=dora)
    adapters.insert(body, given, 0)
    assert torch.allclose(outputs(body.eval(), inputs), before, atol=1e-4)
    shaken(body)
    unmerged = outputs(body, inputs)
    assert not torch.allclose(unmerged, before, atol=1e-2)
    adapters.merge(body, given)
    assert torch.allclose(outputs(body, inputs), unmerged, rtol=1e-3, atol=1e-3)
    assert set(body.state_dict()) == names


def test_every_adapter_gets_a_gradient(tmp_path: Path) -> None:
    """None stands beside a layer whose weight is read without calling it (attention of torchvision's transformers)."""
    import torchvision

    body = torchvision.models.VisionTransformer(32, 8, 2, 2, 24, 48).eval()
    randomise(body)
    found = adapters.adaptable(body, ["encoder"])
    assert found and not [path for path in found if "self_attention" in path]
    adapters.insert(body, Adapters(tuple(found)), 0)
    shaken(body)
    (body(torch.randn(2, 3, 32, 32, generator=torch.manual_seed(0))) ** 2).sum().backward()
    assert not [name for name, one in body.named_parameters() if ".lora_" in name and not one.grad.abs().sum() > 0]


def test_trained_and_merged(target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What training ends with answers alike once merged; what is learned is a small share, and is counted."""
    source = open_kind("dropout", tmp_path)
    plan = unstopped(short_plan("lora", source, target, norms=True, learning_rate=1e-2, rank=2))
    inputs = {name: torch.from_numpy(value) for name, value in source.noise(4).items()}
    last = source.stages[-1].name
    live: list[torch.Tensor] = []
    counted: list[int] = []
    finish = Training.finish

    def look(self: Training) -> None:
        counted.append(sum(one.numel() for stage in source.stages for _, one in self.model.learnable(stage)
                           if stage.name in plan.trained_stages()))  # fmt: skip
        self.model.eval()
        with torch.no_grad():
            live.append(self.model.network(inputs, [last])[last])
        finish(self)

    monkeypatch.setattr(Training, "finish", look)
    trained = go(plan, source, target, workplace(tmp_path))
    merged = Network(source).eval()
    merged.body.load_state_dict({k: torch.from_numpy(v) for k, v in trained.weights.items()}, strict=False)
    with torch.no_grad():
        assert torch.allclose(merged(inputs, [last])[last], live[0], rtol=1e-3, atol=1e-4)
    assert plan.adapters is not None and trained.adapters is not None
    assert counted == [sum(added + own for _, added, own in plan.adapters.learned)]
    before = source.weights()
    for path in plan.adapters.targets:  # changed by a product of that rank, and by nothing else
        change = trained.weights[f"{path}.weight"] - before[f"{path}.weight"]
        values = np.linalg.svd(change.reshape(len(change), -1), compute_uv=False)
        assert values[0] > 0 and (values[2:] < 1e-4 * values[0]).all(), path
    moved = [name for name in plan.adapters.norms if not np.array_equal(trained.weights[f"{name}.weight"],
                                                                       before[f"{name}.weight"])]  # fmt: skip
    assert moved == list(plan.adapters.norms)


def test_opened_by_peft(tmp_path: Path) -> None:
    """The adapters on the untouched source are the run; and so is the run's folder without them."""
    import peft
    import transformers

    model = write_text_model(tmp_path / "bert", "bert")
    reviews = write_reviews(tmp_path / "reviews.csv")
    run = hs.adapt(reviews, source=model, strategy="lora", out=tmp_path / "run", baselines=False,
                   options={"epochs": 4, "learning_rate": 1e-2, "norms": True, "patience": 0})  # fmt: skip
    assert (
        hs.load(tmp_path / "run").predict_proba(["the film was good"]) == run.predict_proba(["the film was good"])
    ).all()
    base = transformers.AutoModel.from_pretrained(model)
    opened = peft.PeftModel.from_pretrained(base, tmp_path / "run" / "adapters").eval()
    merged = transformers.AutoModel.from_pretrained(tmp_path / "run").eval()
    ids = {"input_ids": torch.tensor([[2, 20, 21, 9, 3]])}
    with torch.no_grad():
        one, other = opened(**ids)[0], merged(**ids)[0]
        plain = transformers.AutoModel.from_pretrained(model).eval()(**ids)[0]
    assert torch.allclose(one, other, atol=1e-4) and not torch.allclose(one, plain, atol=1e-2)
    frozen, rows = run.receipt.frozen, run.receipt.strategy.trainable
    assert frozen.same and len(frozen.stages) == 4  # all of the source is as it was before merging
    learned = [row for row in rows if row.stage.endswith(": adapters and norms")]
    assert learned and sum(row.parameters for row in learned) < frozen.parameters


def test_targets_by_name(target: Target, tmp_path: Path) -> None:
    source = open_kind("dropout", tmp_path)
    lora = strategies.get("lora")
    task = target.task("classification")
    sizes = dataclasses.replace(_sizes(), train=10)
    plan = lora(targets="qkv, fc1").plan(source, task, sizes, 0)
    assert plan.adapters is not None
    assert {path.rpartition(".")[2] for path in plan.adapters.targets} == {"qkv", "fc1"}
    with pytest.raises(StrategyError, match=r"no layer 'query'.*qkv"):
        lora(targets="query").plan(source, task, sizes, 0)
    with pytest.raises(StrategyError, match="no linear layer or plain convolution"):
        lora(freeze="all").plan(source, task, sizes, 0)


def _sizes() -> object:
    from headstart.strategies import Target as Sizes

    return Sizes(10, 0)
