"""One phase of gradient descent: batches, losses, a step, evaluations, checkpoints."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import torch

from headstart.core import hardware, seeds
from headstart.core.errors import TrainingError
from headstart.core.progress import progress
from headstart.engine.averaging import Averaged, Weights, moments, put, trainable
from headstart.engine.cutting import read_stages
from headstart.engine.dropout import QuickDropout
from headstart.engine.feed import Batch, Feed
from headstart.engine.freezing import Model
from headstart.engine.heads import OwnHead, TrainableHead
from headstart.engine.mixing import mix
from headstart.engine.objectives import ObjectiveTerm, Step, objectives
from headstart.engine.optimisers import set_rates
from headstart.engine.plan import Plan, Stream, Train
from headstart.engine.trained import Cost, Moment
from headstart.sources.contract import Source
from headstart.tasks import Task

TIMED_STEPS = 3
CHECKPOINT_SECONDS = 20.0
KEEPING = 0.02
"""Share of the time that writing checkpoints may take."""


@dataclass
class Progress:
    """Where a phase stands: everything that a checkpoint keeps besides the optimiser's state."""

    step: int = 0
    steps: int = 0
    """In the whole phase; 0 until it is known."""
    best_step: int = 0
    best_loss: float = float("inf")
    """Of the validation part, at the best step."""
    stale: int = 0
    """Evaluations since the best one."""
    seconds: float = 0.0
    loss: float = 0.0
    """Sum of the training loss since the last evaluation, over `losses` steps."""
    losses: int = 0
    start: Weights = field(default_factory=dict)
    """Of what trains, when the phase began."""
    best: Weights = field(default_factory=dict)
    average: Weights = field(default_factory=dict)


@dataclass
class Phase:
    """What the loop needs to run one phase of a plan."""

    index: int
    spec: Train
    plan: Plan
    source: Source
    model: Model
    optimiser: torch.optim.Optimizer
    feeds: Mapping[str, Feed]
    tasks: Mapping[str, Task]
    evaluate: Callable[[], tuple[float, float]] | None
    """What the task watches and the loss, of the validation part, for the model as it is."""
    history: list[Moment]
    cost: Cost
    keep: Callable[[Progress], None]
    """Writes a checkpoint."""


def autocast(precise: bool = False) -> torch.autocast:
    """bfloat16 where the processor has it, unless `precise`."""
    return torch.autocast("cpu", dtype=torch.bfloat16, enabled=hardware.has_native_bfloat16() and not precise)


def run_phase(phase: Phase, state: Progress) -> Progress:
    """Trains until the phase's length, its early stop or its halt, and leaves the chosen weights in the model."""
    spec, model = phase.spec, phase.model
    model.freeze((name for name, _ in spec.trains), update_statistics=spec.statistics == "updated")
    now = trainable(model)
    state.start = state.start or now
    put(model, state.start)  # terms and averages refer to the weights the phase began with, also after a resume
    terms = [(objectives.get(term.name)(model, term.options), term.weight) for term in spec.objectives]
    averaged = Averaged(spec, model)
    averaged.weights = state.average or averaged.weights
    put(model, now)
    state.steps = state.steps or _steps(phase, terms)
    end = round(state.steps * spec.halt)
    every = max(1, -(-state.steps // spec.stop.evaluations)) if spec.stop else state.steps
    if state.step == 0 and end:
        _evaluate(phase, state, averaged, None)
    started, kept, pause = time.perf_counter() - state.seconds, time.perf_counter(), CHECKPOINT_SECONDS
    batches = {name: phase.feeds[name].batches(state.step, end) for name in spec.streams}
    with progress(f"Training: {spec.name}", end) as advance:
        advance(state.step)
        while state.step < end:
            batch = {name: next(source) for name, source in batches.items()}
            state.loss += _step(phase, state.step / state.steps, batch, terms, state.step)
            state.losses += 1
            state.step += 1
            averaged.update(model, state.step)
            state.average = averaged.weights
            state.seconds = time.perf_counter() - started
            if state.step % every == 0 or state.step == end:
                _evaluate(phase, state, averaged, state.loss / state.losses)
                state.loss, state.losses = 0.0, 0
                if spec.stop and spec.stop.patience and state.stale >= spec.stop.patience:
                    break
            if time.perf_counter() - kept > pause:
                begun = time.perf_counter()
                phase.keep(state)
                kept = time.perf_counter()
                pause = max(CHECKPOINT_SECONDS, (kept - begun) / KEEPING)
            advance(1)
    for source in batches.values():
        source.close()  # type: ignore[attr-defined]
    if not end:
        return state
    put(model, state.best if spec.stop else averaged.result(model))
    return state


def _steps(phase: Phase, terms: list[tuple[ObjectiveTerm, float]]) -> int:
    """The phase's length in steps; seconds are turned into steps by timing the first few, which are then undone."""
    length = phase.spec.length
    if length.steps is not None:
        return length.steps
    feed = phase.feeds[phase.spec.streams[0]]
    if length.epochs is not None:
        return feed.steps(length.epochs)
    assert length.seconds is not None
    before = {name: value.clone() for name, value in phase.model.state_dict().items()}
    momenta = copy.deepcopy(phase.optimiser.state_dict())
    costs = Cost(**vars(phase.cost))
    seconds = []
    streams = {name: phase.feeds[name].batches(0, TIMED_STEPS) for name in phase.spec.streams}
    for step in range(TIMED_STEPS):
        start = time.perf_counter()
        _step(phase, 0.0, {name: next(batches) for name, batches in streams.items()}, terms, step)
        seconds.append(time.perf_counter() - start)
    phase.model.load_state_dict(before)
    phase.optimiser.load_state_dict(momenta)
    vars(phase.cost).update(vars(costs))
    return max(1, int(length.seconds / min(seconds)))


def _step(
    phase: Phase, along: float, batch: Mapping[str, Batch], terms: list[tuple[ObjectiveTerm, float]], number: int
) -> float:
    """One step of the optimiser; the mean loss."""
    model, spec = phase.model, phase.spec
    # dropout and mixing; the processor's generator alone, which `engine.run` puts back afterwards
    torch.default_generator.manual_seed(seeds.derive(phase.plan.seed, "step", phase.index, number))
    set_rates(phase.optimiser, spec, along)
    model.train()
    total = torch.zeros(())
    step = Step(
        model,
        {},
        {},
        {name: one.keys for name, one in batch.items()},
        {name: one.views for name, one in batch.items()},
        along,
        tasks=phase.tasks,
    )
    for name, one in batch.items():
        stream = phase.plan.stream(name)
        cut = one.entered
        layout = phase.source.description.stage(cut[0]).layout if cut is not None else "map-last"
        mixed, targets = mix(stream, one, phase.tasks, layout)
        with QuickDropout():
            pooled, outputs = forward(model, mixed, spec_stages(phase, spec))
        step.pooled[name], step.outputs[name], step.targets[name] = pooled, outputs, targets  # type: ignore[index]
        for head in stream.heads if stream.weight else ():
            loss = phase.tasks[head].losses(outputs[head], targets[head], one.places())
            own = cast("TrainableHead", model.heads[head])
            total = total + stream.weight * _weighted(loss / own.unit, phase, stream, head, one)
        phase.cost.items_seen += len(one)
        phase.cost.forward_passes += len(one)
        phase.cost.backward_passes += len(one)
    for term, weight in terms:
        total = total + weight * term(step)
    if not torch.isfinite(total):
        raise _not_finite(phase, batch, number)
    phase.optimiser.zero_grad(set_to_none=True)
    total.backward()  # type: ignore[no-untyped-call]
    if spec.gradient_norm:
        torch.nn.utils.clip_grad_norm_([p for p in model.parameters() if p.grad is not None], spec.gradient_norm)
    phase.optimiser.step()
    return float(total.detach())


def spec_stages(phase: Phase, spec: Train) -> tuple[str, ...]:
    """Stages whose output the phase needs: what heads read, and what objectives look at."""
    wanted = read_stages(phase.plan, spec)
    return tuple(stage.name for stage in phase.source.stages if stage.name in wanted)


def forward(
    model: Model, batch: Batch, wanted: tuple[str, ...], precise: bool = False
) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """What heads read of the stages `wanted`, pooled (N, D) or at all places (T, D), but not of the source's own head;
    and the scores of every head."""
    entered = batch.entered
    if entered is not None and entered[1].ndim == 4:
        entered = entered[0], entered[1].contiguous(memory_format=torch.channels_last)
    with autocast(precise):
        heard = model.network(batch.inputs, wanted, entered)
    own = {model.reads[name][-1] for name, head in model.heads.items() if isinstance(head, OwnHead)}
    pooled = {
        stage: model.network.read(stage, heard[stage], batch.inputs).float() for stage in wanted if stage not in own
    }
    outputs = {
        name: cast("TrainableHead", head).answer(
            [pooled[stage] for stage in model.reads[name] if stage in pooled],
            heard[model.reads[name][-1]],
            batch.inputs,
        )
        for name, head in model.heads.items()
    }
    return pooled, outputs


def _weighted(loss: torch.Tensor, phase: Phase, stream: Stream, head: str, batch: Batch) -> torch.Tensor:
    """The mean loss, rare classes weighing more when the stream asks for it."""
    if not stream.balanced:
        return loss.mean()
    weights = torch.from_numpy(phase.tasks[head].balance(phase.feeds[stream.name].targets[head])).float()
    each = weights[batch.targets[head]] if batch.targets[head].ndim == 1 else weights.mean()
    return (loss * each).sum() / each.sum() if each.ndim else loss.mean()


def _evaluate(phase: Phase, state: Progress, averaged: Averaged, loss: float | None) -> None:
    """Notes a moment; with early stopping, keeps the weights when their validation loss is the lowest so far: on
    few examples it tells more than the metric, which moves in steps."""
    value = None
    if phase.evaluate is not None:
        now = trainable(phase.model)
        chosen = averaged.result(phase.model)
        put(phase.model, chosen)
        value, validation_loss = phase.evaluate()
        put(phase.model, now)
        if validation_loss < state.best_loss:
            state.best_loss, state.best_step, state.stale = validation_loss, state.step, 0
            state.best = {**chosen, **(moments(phase.model) if phase.spec.statistics == "updated" else {})}
        else:
            state.stale += 1
    phase.history.append(
        Moment(phase.spec.name, state.step, round(state.seconds, 2), phase.cost.items_seen, loss, value)
    )


def _not_finite(phase: Phase, batch: Mapping[str, Batch], number: int) -> TrainingError:
    """Names the examples and the first stage that gives a value that is not finite."""
    stages = tuple(stage.name for stage in phase.source.stages)
    for name, one in batch.items():
        with torch.no_grad(), autocast():
            heard: dict[str, Any] = phase.model.network(one.inputs, stages, one.entered)
        bad = next((stage for stage in stages if stage in heard and not torch.isfinite(heard[stage]).all()), "the head")
        ids = phase.feeds[name].examples.ids()
        where = ", ".join(ids[int(position)] for position in one.positions[:3])
        return TrainingError(
            f"The loss is not a finite number at step {number} of phase '{phase.spec.name}'; the first "
            f"value that is not finite comes from {bad}, on a batch with {where}. "
            "Lower the learning rate with --learning-rate."
        )
    raise AssertionError("a phase has at least one stream")
