"""Gradient descent over the phases of a plan, on one model, resumable at any step."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from headstart.core import fingerprints
from headstart.core.hardware import Stopwatch
from headstart.core.ragged import joined, lengths
from headstart.data.table import Examples, marked
from headstart.engine import adapters, checkpoint, optimisers
from headstart.engine.cutting import cut_of, read_stages
from headstart.engine.feed import Feed
from headstart.engine.freezing import Model
from headstart.engine.heads import Moments, OwnHead, TrainableHead, random_head
from headstart.engine.loop import Phase, Progress, forward, run_phase
from headstart.engine.mixing import can_mix
from headstart.engine.own import begun
from headstart.engine.plan import Plan, Solve, Stream
from headstart.engine.solve import best_of
from headstart.engine.trained import Moment, Trained, Workplace
from headstart.sources.contract import Source
from headstart.sources.network import Network
from headstart.sources.stages import belongs
from headstart.tasks import Task

if TYPE_CHECKING:
    from numpy.typing import NDArray

VALIDATION = "validation"


def build_model(trained: Trained, plan: Plan, moments: Mapping[str, Moments] | None = None) -> Model:
    """The source's live network with the plan's heads, each as it was solved or at a small random start, and with its
    adapters.

    Args:
        moments: of the heads' targets, where they are going to be trained.
    """
    chosen = plan.adapters

    def change(body: torch.nn.Module) -> None:
        if chosen:
            adapters.insert(body, chosen, plan.seed)

    network = Network(trained.source, change)
    heads: dict[str, torch.nn.Module] = {}
    for head in plan.heads:
        if head.start == "own":
            heads[head.name] = OwnHead(trained.tasks[head.name])
            continue
        width = sum(trained.source.description.stage(stage).width for stage in head.at)
        outputs = trained.tasks[head.name].outputs
        units = (moments or {}).get(head.name)
        start = trained.heads.get(head.name) or random_head(plan, head.name, width, outputs, units)
        if head.start == "begun":
            start = begun(trained.source, trained.tasks[head.name], start)
        heads[head.name] = TrainableHead(start, units)
    model = Model(network, trained.source.stages, heads, {head.name: head.at for head in plan.heads}, chosen)
    model = model.to(memory_format=torch.channels_last)
    adapters.keep_layout(network.body)
    return model


def moments_of(plan: Plan, tasks: Mapping[str, Task], parts: Mapping[str, Examples]) -> dict[str, Moments]:
    """Mean and deviation of the targets of each head that has a labelled stream."""
    examples = {head: parts[stream.part] for stream in plan.streams for head in stream.heads}
    return {
        head: tasks[head].moments(tasks[head].encode(given.labels(tasks[head].label)))
        for head, given in examples.items()
    }


class Training:
    """All phases of gradient descent of one plan.

    Args:
        name: of the checkpoint file, so that a refit has its own.
        watch: of the whole run, so that a checkpoint notes what it cost up to there.
    """

    def __init__(
        self,
        plan: Plan,
        trained: Trained,
        parts: Mapping[str, Examples],
        place: Workplace,
        name: str,
        watch: Stopwatch,
    ) -> None:
        self.plan, self.trained, self.place = plan, trained, place
        self.source = trained.source.toward(set().union(*(read_stages(plan, phase) for phase in plan.trainings)))
        self.path: Path | None = place.state / f"{name}.safetensors" if place.state else None
        self.model = build_model(trained, plan, moments_of(plan, trained.tasks, parts))
        self.frozen = [stage.name for stage in self.source.stages if stage.name not in plan.trained_stages()]
        trained.frozen_before = self.model.digest_of_frozen(self.frozen)
        self.optimiser = optimisers.build(self.model, self.source.stages, plan.trainings)
        self.progress = [Progress() for _ in plan.trainings]
        self._watch = watch
        self._identity = identity(plan, self.source, parts)
        self._parts = parts
        cut = self._cut = cut_of(plan, self.source, self.model.network, parts[plan.streams[0].part])
        self.feeds = {
            stream.name: self._feed(stream, parts[stream.part], cut if self._starts_at(cut, stream) else None)
            for stream in plan.streams
        }
        self.validation: Feed | None = None
        if any(phase.stop for phase in plan.trainings) or plan.refit:
            heads = tuple(dict.fromkeys(head for stream in plan.streams for head in stream.heads))
            self.validation = self._feed(Stream(VALIDATION, VALIDATION, heads), parts[VALIDATION], cut)

    def _feed(self, stream: Stream, examples: Examples, cut: str | None) -> Feed:
        return Feed(
            stream, examples, self.trained.tasks, self.source, self.place.bank, cut, self.plan.seed, self.trained.filled
        )

    def _starts_at(self, cut: str | None, stream: Stream) -> bool:
        """Whether a stream's activations can be kept there: not when each epoch has views of its own."""
        return cut is not None and stream.views > 0 and can_mix(stream, self.source.description.stage(cut).layout)

    def run(self) -> None:
        """Every phase, from the checkpoint when there is one."""
        last = [solve for solve in self.plan.solved_last if self.plan.head(solve.head).start != "own"]
        before = [self._left_out(solve) for solve in last]
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
                functools.partial(self._keep, index),
            )
            self.progress[index] = run_phase(phase, state if index == first else Progress())
            self.trained.steps[spec.name] = self.progress[index].steps
            self._keep(index + 1, Progress())
        for solve, scores in zip(last, before, strict=True):  # the source's own are solved from the finished weights
            self._solve(solve, scores)

    def _left_out(self, phase: Solve) -> dict[tuple[str, ...], NDArray[np.float64]]:
        """Left-out scores (N, K) of the head in closed form, on features at each candidate of the network as it is
        now."""
        task = self.trained.tasks[phase.head]
        targets, features_at = self._features(phase)
        numbers = task.numbers(targets)
        return {at: task.solve(features_at(at), numbers, phase.solver).left_out for at in phase.candidates}

    def _solve(self, phase: Solve, before: Mapping[tuple[str, ...], NDArray[np.float64]]) -> None:
        """The head in closed form, on features of the network as it is now."""
        trained, task = self.trained, self.trained.tasks[phase.head]
        targets, features_at = self._features(phase)
        head, trained.solved[phase.head] = best_of(phase, task, trained.source, targets, features_at, before=before)
        self.model.heads[phase.head] = TrainableHead(head, task.moments(targets))
        self.model.reads[phase.head] = head.at
        heads = tuple(dataclasses.replace(one, at=self.model.reads[one.name]) for one in self.plan.heads)
        self.plan = dataclasses.replace(self.plan, heads=heads)
        self.model.freeze((), update_statistics=False)

    def _features(self, phase: Solve) -> tuple[NDArray[Any], Callable[[tuple[str, ...]], NDArray[np.float32]]]:
        """Targets, and from stages to features (N, D) of the network as it is now. They are not kept: the bank is for
        what other runs can use."""
        feed = self._feed(Stream("solved", phase.part, (phase.head,)), self._parts[phase.part], self._cut)
        features = pooled_features(self.model, feed, read_stages(self.plan, self.plan.trainings[-1]))
        self.trained.cost.forward_passes += len(feed)
        return feed.targets[phase.head], lambda stages: np.concatenate([features[stage] for stage in stages], axis=1)

    def certainty(self) -> dict[str, float | NDArray[np.float64]]:
        """For each head, what makes its scores as sure as they are right on the validation part, if there is one."""
        if self.validation is None:
            return {}
        scores = evaluate(self.model, self.trained, self.validation, self.plan)
        return {
            name: self.trained.tasks[name].calibrate(scores[name], numbers)
            for name, numbers in self.validation.numbers.items()
        }

    def finish(self) -> None:
        """Takes the trained weights out of the model."""
        self.model.freeze((), update_statistics=False)
        self.model.eval()
        trained = self.trained
        trained.frozen_after = self.model.digest_of_frozen(self.frozen)
        for name, module in self.model.heads.items():
            if isinstance(module, TrainableHead):
                trained.heads[name] = module.as_arrays(self.plan.head(name).at)
        if self.plan.adapters is not None:
            trained.adapters = adapters.export(self.model.network.body, self.plan.adapters, self.source.name)
            adapters.merge(self.model.network.body, self.plan.adapters)
        owned = [path for stage in self.source.stages if stage.name not in self.frozen for path in stage.owns]
        trained.weights = {
            name: tensor.detach().contiguous().numpy().copy()
            for name, tensor in self.model.network.body.state_dict().items()
            if belongs(name, owned)
        }

    def _validate(self) -> tuple[float, float]:
        assert self.validation is not None
        head = self.plan.heads[0].name
        task = self.trained.tasks[head]
        scores = evaluate(self.model, self.trained, self.validation, self.plan)
        self.trained.cost.forward_passes += len(self.validation)
        numbers = torch.from_numpy(joined(self.validation.numbers[head]))
        places = torch.from_numpy(lengths(scores[head]))
        loss = task.losses(torch.from_numpy(joined(scores[head])), numbers, places).mean()
        return task.watch(scores[head], self.validation.targets[head]), float(loss)

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
            "of": self._identity,
            "phase": index,
            "progress": plain,
            "optimiser": numbers,
            "finished": [{"steps": one.steps, "best_step": one.best_step} for one in self.progress[:index]],
            "history": [dataclasses.asdict(moment) for moment in self.trained.history],
            "cost": dataclasses.asdict(self.trained.cost),
            "seconds": self.trained.cost.seconds + self._watch.seconds,
        }
        checkpoint.save(self.path, tensors, document)

    def _resume(self) -> tuple[int, Progress]:
        if self.path is None or not self.path.is_file():
            return 0, Progress()
        tensors, document = checkpoint.load(self.path)
        if document["of"] != self._identity:
            return 0, Progress()  # of another plan, source or target: something was changed since
        self.model.load_state_dict(_under("model.", tensors))
        checkpoint.restore_optimiser(self.optimiser, tensors, document["optimiser"])
        self.trained.history[:] = [Moment(**moment) for moment in document["history"]]
        vars(self.trained.cost).update(document["cost"])
        self.trained.cost.seconds = document["seconds"]
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


def identity(plan: Plan, source: Source, parts: Mapping[str, Examples]) -> str:
    """Digest of everything that the result of a training depends on."""
    used = {stream.part for stream in plan.streams} | {VALIDATION}
    given = {name: [parts[name].fingerprint(), _labels(plan, parts[name])] for name in used if name in parts}
    return fingerprints.of_json([plan.as_dict(), source.fingerprint, given])


def _labels(plan: Plan, examples: Examples) -> list[list[Any]]:
    columns = sorted({str(head.task["label"]) for head in plan.heads})
    known = [name for name in columns if examples.table.has(name) and not examples.sealed]
    return [[marked(value) for value in examples.labels(name)] for name in known]


def evaluate(model: Model, trained: Trained, feed: Feed, plan: Plan, precise: bool = False) -> dict[str, NDArray[Any]]:
    """Scores (N, K), or at places (N,) of (P, K), of every head for all examples of `feed`, in eval mode;
    in float32 when `precise`."""
    wanted = tuple(stage.name for stage in trained.source.stages if any(stage.name in head.at for head in plan.heads))
    model.eval()
    found: dict[str, list[NDArray[Any]]] = {head.name: [] for head in plan.heads}
    positions: list[NDArray[np.int64]] = []
    with torch.no_grad():
        for batch in feed.in_order():
            _, outputs = forward(model, batch, wanted, precise)
            positions.append(batch.positions)
            for name, values in outputs.items():
                found[name].append(batch.by_example(values.double().numpy()))
    order = np.argsort(np.concatenate(positions))
    return {name: np.concatenate(values)[order] for name, values in found.items()}


def pooled_features(model: Model, feed: Feed, stages: Iterable[str]) -> dict[str, NDArray[np.float32]]:
    """Stage -> pooled features (N, D) of all examples of `feed`, in eval mode and float32."""
    wanted = tuple(stages)
    model.eval()
    found: dict[str, list[NDArray[np.float32]]] = {stage: [] for stage in wanted}
    positions: list[NDArray[np.int64]] = []
    with torch.no_grad():
        for batch in feed.in_order():
            pooled, _ = forward(model, batch, wanted, precise=True)
            positions.append(batch.positions)
            for stage in wanted:
                found[stage].append(pooled[stage].numpy())
    order = np.argsort(np.concatenate(positions))
    return {stage: np.concatenate(values)[order] for stage, values in found.items()}


def _under(prefix: str, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
