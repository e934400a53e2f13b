"""Gradient descent over the phases of a plan, on one model, resumable at any step."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from headstart.core import seeds
from headstart.core.hardware import Stopwatch
from headstart.data.table import Examples
from headstart.engine import checkpoint, optimisers
from headstart.engine.feed import Feed
from headstart.engine.freezing import Model
from headstart.engine.loop import Phase, Progress, autocast, forward, run_phase
from headstart.engine.plan import Plan, Stream, Train
from headstart.engine.trained import LinearHead, Moment, Trained, Workplace
from headstart.sources.network import Network
from headstart.sources.stages import belongs

if TYPE_CHECKING:
    from numpy.typing import NDArray

VALIDATION = "validation"


def build_model(trained: Trained, plan: Plan) -> Model:
    """The source's live network with the plan's heads, each as it was solved or at a small random start."""
    network = Network(trained.source)
    heads = {}
    for head in plan.heads:
        width = sum(trained.source.description.stage(stage).width for stage in head.at)
        outputs = trained.tasks[head.name].outputs
        start = trained.heads.get(head.name) or random_head(plan, head.name, width, outputs)
        heads[head.name] = as_module(start)
    model = Model(network, trained.source.stages, heads, {head.name: head.at for head in plan.heads})
    return model.to(memory_format=torch.channels_last)


def random_head(plan: Plan, name: str, widths: int, outputs: int) -> LinearHead:
    """A small random start (normal, 0.01) and no bias, from the plan's seed and the head's name."""
    weight = seeds.generator(plan.seed, "head", name).normal(0, 0.01, (widths, outputs))
    return LinearHead(plan.head(name).at, weight, np.zeros(outputs))


def as_module(head: LinearHead) -> torch.nn.Linear:
    module = torch.nn.Linear(head.weight.shape[0], head.weight.shape[1])
    with torch.no_grad():
        module.weight.copy_(torch.from_numpy(head.weight.T))
        module.bias.copy_(torch.from_numpy(head.bias))
    return module


class Training:
    """All phases of gradient descent of one plan.

    Args:
        name: of the checkpoint file, so that a refit has its own.
    """

    def __init__(
        self, plan: Plan, trained: Trained, parts: Mapping[str, Examples], place: Workplace, name: str
    ) -> None:
        self.plan, self.trained, self.place = plan, trained, place
        self.source = trained.source
        self.path: Path | None = place.state / f"{name}.safetensors" if place.state else None
        self.model = build_model(trained, plan)
        self.frozen = [stage.name for stage in self.source.stages if stage.name not in plan.trained_stages()]
        trained.frozen_before = self.model.digest_of_frozen(self.frozen)
        self.optimiser = optimisers.build(self.model, self.source.stages, plan.trainings)
        self.progress = [Progress() for _ in plan.trainings]
        self._watch = Stopwatch()
        cut = self._cut()
        self.feeds = {
            stream.name: self._feed(stream, parts[stream.part], None if stream.views == 0 else cut)
            for stream in plan.streams
        }
        self.validation: Feed | None = None
        if any(phase.stop for phase in plan.trainings):
            heads = tuple(dict.fromkeys(head for stream in plan.streams for head in stream.heads))
            self.validation = self._feed(Stream(VALIDATION, VALIDATION, heads), parts[VALIDATION], cut)

    def _feed(self, stream: Stream, examples: Examples, cut: str | None) -> Feed:
        return Feed(
            stream, examples, self.trained.tasks, self.source, self.place.bank, cut, self.plan.seed, self.trained.filled
        )

    def _cut(self) -> str | None:
        """The last stage before any that trains or that a head or objective reads; activations are kept there."""
        trained = self.plan.trained_stages()
        needed = {stage for phase in self.plan.trainings for stage in spec_stages_of(self.plan, phase)}
        before = None
        for stage in self.source.stages:
            if stage.name in trained or (stage.name in needed and stage is not self.source.stages[-1]):
                return before
            before = stage.name
        return before

    def run(self) -> None:
        """Every phase, from the checkpoint when there is one."""
        first, state = self._resume()
        for index, spec in enumerate(self.plan.trainings):
            if index < first:
                continue
            phase = Phase(
                index,
                spec,
                self.plan,
                self.source,
                self.model,
                self.optimiser,
                {name: self.feeds[name] for name in spec.streams},
                self.trained.tasks,
                self._validate if spec.stop else None,
                self.trained.history,
                self.trained.cost,
                lambda state, index=index: self._keep(index, state),
            )  # type: ignore[misc]
            self.progress[index] = run_phase(phase, state if index == first else Progress())
            self.trained.steps[spec.name] = self.progress[index].steps
            self._keep(index + 1, Progress())

    def finish(self) -> None:
        """Takes the trained weights out of the model."""
        self.model.freeze((), update_statistics=False)
        self.model.eval()
        trained = self.trained
        trained.frozen_after = self.model.digest_of_frozen(self.frozen)
        for name, module in self.model.heads.items():
            assert isinstance(module, torch.nn.Linear)
            trained.heads[name] = LinearHead(
                self.plan.head(name).at,
                module.weight.detach().double().numpy().T.copy(),
                module.bias.detach().double().numpy().copy(),
            )
        owned = [path for stage in self.source.stages if stage.name not in self.frozen for path in stage.owns]
        trained.weights = {
            name: tensor.detach().contiguous().numpy().copy()
            for name, tensor in self.model.network.body.state_dict().items()
            if belongs(name, owned)
        }

    def _validate(self) -> float:
        assert self.validation is not None
        head = self.plan.heads[0].name
        task = self.trained.tasks[head]
        scores = evaluate(self.model, self.trained, self.validation, self.plan)
        self.trained.cost.forward_passes += len(self.validation)
        return task.value(task.decode(scores[head]), self.validation.targets[head])

    def _keep(self, index: int, state: Progress) -> None:
        """Writes everything that the rest of the training depends on."""
        if self.path is None:
            return
        tensors, numbers = checkpoint.optimiser_tensors(self.optimiser)
        tensors |= {f"model.{name}": value for name, value in self.model.state_dict().items()}
        for kind in ("start", "best", "average"):
            tensors |= {f"{kind}.{name}": value for name, value in getattr(state, kind).items()}
        plain = {
            field.name: getattr(state, field.name)
            for field in dataclasses.fields(state)
            if field.name not in ("start", "best", "average")
        }
        document = {
            "plan": self.plan.fingerprint(),
            "phase": index,
            "progress": plain,
            "optimiser": numbers,
            "finished": [{"steps": one.steps, "best_step": one.best_step} for one in self.progress[:index]],
            "history": [dataclasses.asdict(moment) for moment in self.trained.history],
            "cost": dataclasses.asdict(self.trained.cost),
            "seconds": self._watch.seconds,
        }
        checkpoint.save(self.path, tensors, document)

    def _resume(self) -> tuple[int, Progress]:
        if self.path is None or not self.path.is_file():
            return 0, Progress()
        tensors, document = checkpoint.load(self.path)
        if document["plan"] != self.plan.fingerprint():
            return 0, Progress()  # of another plan: options were changed since
        self.model.load_state_dict(_under("model.", tensors))
        checkpoint.restore_optimiser(self.optimiser, tensors, document["optimiser"])
        self.trained.history[:] = [Moment(**moment) for moment in document["history"]]
        vars(self.trained.cost).update(document["cost"])
        self.trained.cost.seconds += document["seconds"]
        for done, state in zip(document["finished"], self.progress, strict=False):
            state.steps, state.best_step = done["steps"], done["best_step"]
        for spec, state in zip(self.plan.trainings[: document["phase"]], self.progress, strict=False):
            self.trained.steps[spec.name] = state.steps
        return document["phase"], Progress(
            **document["progress"],
            start=_under("start.", tensors),
            best=_under("best.", tensors),
            average=_under("average.", tensors),
        )


def spec_stages_of(plan: Plan, phase: Train) -> set[str]:
    wanted = {stage for head in plan.heads for stage in head.at}
    return wanted | {str(term.options["stage"]) for term in phase.objectives if "stage" in term.options}


def evaluate(model: Model, trained: Trained, feed: Feed, plan: Plan) -> dict[str, NDArray[Any]]:
    """Scores (N, K) of every head for all examples of `feed`, in eval mode."""
    wanted = tuple(stage.name for stage in trained.source.stages if any(stage.name in head.at for head in plan.heads))
    model.eval()
    found: dict[str, list[NDArray[Any]]] = {head.name: [] for head in plan.heads}
    with torch.no_grad(), autocast():
        for batch in feed.in_order():
            _, outputs = forward(model, trained.source, batch, wanted)
            for name, values in outputs.items():
                found[name].append(values.double().numpy())
    return {name: np.concatenate(values) for name, values in found.items()}


def _under(prefix: str, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
