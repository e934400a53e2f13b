"""Batches for the loop: examples live, or their activations at the cut. A pure function of the step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from headstart.bank import Bank, Filled
from headstart.bank.fill import fill, prepare_row
from headstart.bank.store import Shelf
from headstart.core.ragged import joined, parted
from headstart.data.batches import ahead, batch_positions, chunks, chunks_within, even_positions
from headstart.data.contents import Contents
from headstart.data.table import Examples
from headstart.engine.plan import Stream
from headstart.sources import Source
from headstart.sources.inputs import Inputs
from headstart.sources.points import PLACES, WHOLE, Point
from headstart.tasks import Task


@dataclass(frozen=True)
class Batch:
    """One stream's share of a step."""

    inputs: dict[str, torch.Tensor]
    """What the source takes; one blank example when `entered` is given."""
    entered: tuple[str, torch.Tensor] | None
    """(stage, its outputs (N, …)) when training starts at the cut."""
    targets: dict[str, torch.Tensor]
    """Head -> targets (N,) or (N, K); for all places of all examples, (T,)."""
    positions: NDArray[np.int64]
    keys: list[str]
    views: list[int]

    def __len__(self) -> int:
        return len(self.positions)

    def places(self) -> torch.Tensor:
        """(N,) how many places are answered of each example; one, where examples are answered as a whole."""
        if PLACES not in self.inputs:
            return torch.ones(len(self), dtype=torch.int64)
        return (self.inputs[PLACES] >= 0).sum(dim=1)

    def by_example(self, values: NDArray[Any]) -> NDArray[Any]:
        """Scores of a head with a row an example: (N, K) as they are, those of all places (T, K) as (N,) of (P, K)."""
        if PLACES not in self.inputs:
            return values
        return parted(values, self.places().numpy())


class Feed:
    """The batches of one stream.

    Args:
        cut: the last stage that no phase trains; None when the first stage trains too, or when every epoch has a
            new view, so that examples have to go through the whole network.
    """

    def __init__(
        self,
        stream: Stream,
        examples: Examples,
        tasks: Mapping[str, Task],
        source: Source,
        bank: Bank,
        cut: str | None,
        seed: int,
        filled: Filled,
    ) -> None:
        self.stream, self.examples, self.source, self.seed = stream, examples, source, seed
        self.keys = examples.content_keys()
        self.targets = {head: tasks[head].encode(examples.labels(tasks[head].label)) for head in stream.heads}
        self.numbers = {head: tasks[head].numbers(targets) for head, targets in self.targets.items()}
        self._answers = next((self.targets[head] for head in stream.heads if tasks[head].taught), None)
        grouped = [tasks[head].groups(targets) for head, targets in self.targets.items()] if stream.even else []
        self._groups = next((groups for groups in grouped if groups is not None), None)
        self._contents = Contents(examples.table)
        self._lengths = self._measure() if source.varies else None
        self._blank = tensors(source.collate([prepared(source, self._contents, examples, 0)]))
        self._cut = cut
        self._turns = source.turns(max(1, stream.views))
        self._shelves: dict[int, Shelf] = {}
        if cut is not None:
            point = Point(cut, WHOLE)
            self._shelves = {view: bank.shelf(source, point, view) for view in self._turns}
            for view, shelf in self._shelves.items():
                filled.add(fill(source, examples, {point: shelf}, view, f"Activations, view {view + 1}"))

    def __len__(self) -> int:
        return len(self.examples)

    def steps(self, epochs: float) -> int:
        return max(1, round(epochs * len(self) / min(self.stream.batch, len(self))))

    def batches(self, first: int, last: int) -> Iterator[Batch]:
        """The batches of steps `first` to `last` - 1, read ahead of their use."""
        return ahead(self.batch, range(first, last), depth=4)

    def batch(self, step: int) -> Batch:
        size = min(self.stream.batch, len(self))
        positions = self._positions(step, size)
        epochs = (step * size + np.arange(size)) // len(self)
        return self._batch(positions, [self._view(int(epoch)) for epoch in epochs])

    def _positions(self, step: int, size: int) -> NDArray[np.int64]:
        if self._groups is not None:
            return even_positions(self._groups, size, self.seed, step, self.stream.name)
        return batch_positions(len(self), size, self.seed, step, self.stream.name, self._lengths)

    def in_order(self, size: int = 64) -> Iterator[Batch]:
        """Every example once, as it is: in order, or where they differ in length, from short to long."""
        if self._lengths is None:
            groups = chunks(np.arange(len(self)), size)
        else:
            order = np.argsort(self._lengths, kind="stable")
            groups = chunks_within(order, size, self._lengths, self.source.together)
        return ahead(lambda positions: self._batch(positions, None), groups, depth=4)

    def _measure(self) -> NDArray[np.int64]:
        def length(position: int) -> int:
            return self.source.length(self._prepared(position))

        return np.fromiter(ahead(length, range(len(self))), np.int64, len(self))

    def _view(self, epoch: int) -> int:
        if self.stream.views == 0:
            return epoch + 2  # views 0 and 1 are the example and its mirror image
        return self._turns[epoch % len(self._turns)]

    def _batch(self, positions: NDArray[np.int64], views: list[int] | None) -> Batch:
        views = views or [0] * len(positions)
        keys = [self.keys[int(position)] for position in positions]
        targets = {head: torch.from_numpy(joined(values[positions])) for head, values in self.numbers.items()}
        if self._cut is None:
            return Batch(tensors(self._live(positions, keys, views)), None, targets, positions, keys, views)
        return Batch(self._blank, (self._cut, self._stored(keys, views)), targets, positions, keys, views)

    def _live(self, positions: NDArray[np.int64], keys: list[str], views: list[int]) -> Inputs:
        return self.source.collate(
            [
                self._prepared(int(position), view, key)
                for position, view, key in zip(positions, views, keys, strict=True)
            ]
        )

    def _prepared(self, position: int, view: int = 0, key: str = "") -> Inputs:
        """The inputs of one example, with its answer where a head learns to write."""
        inputs = prepared(self.source, self._contents, self.examples, position, view, key)
        return inputs if self._answers is None else self.source.taught(inputs, self._answers[position])

    def _stored(self, keys: list[str], views: list[int]) -> torch.Tensor:
        parts = []
        for view in sorted(set(views)):
            rows = [row for row, wanted in enumerate(views) if wanted == view]
            parts.append((rows, self._shelves[view].read([keys[row] for row in rows])))
        order = np.argsort(np.concatenate([rows for rows, _ in parts]))
        return torch.from_numpy(np.concatenate([values for _, values in parts])[order])


def prepared(
    source: Source, contents: Contents, examples: Examples, position: int, view: int = 0, key: str = ""
) -> Inputs:
    """The inputs of the example at `position`; see `headstart.bank.fill.prepare_row`."""
    return prepare_row(source, contents, examples.table, int(examples.indices[position]), view, key)


def tensors(inputs: Inputs) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in inputs.items()}
