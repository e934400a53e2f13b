"""Computing what the bank lacks, in one pass over all wanted points, and reading what it holds."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from headstart.bank.store import Bank, Shelf
from headstart.core.errors import DataError
from headstart.core.progress import progress
from headstart.core.ragged import ragged
from headstart.data.batches import ahead, chunks
from headstart.data.contents import Contents, Unreadable
from headstart.data.table import Examples, Table
from headstart.sources import Source
from headstart.sources.inputs import Inputs
from headstart.sources.points import PLACES, Point
from headstart.sources.runtimes import BATCH, Output
from headstart.sources.trunk import Choice, Trunk

FLUSH_BYTES = 64_000_000
"""Features are committed whenever this many bytes are waiting: the most that a kill can lose."""


AHEAD = 512
"""Examples that are decoded ahead of the trunk: work for the other cores while it is converted."""
WINDOW = 4096
"""Examples that are put in the order of their lengths at a time, where they differ."""


@dataclass
class Filled:
    """What one or more passes computed, for the receipt."""

    computed: int = 0
    """Forward passes of one example through the trunk."""
    reused: int = 0
    """Examples (times views) that were in the bank already."""
    choice: Choice | None = None

    def add(self, other: Filled) -> None:
        self.computed += other.computed
        self.reused += other.reused
        self.choice = other.choice or self.choice


@dataclass(frozen=True)
class Features:
    """Features of the same examples at several points: point -> (N, …)."""

    at: dict[Point, NDArray[np.float32]]
    filled: Filled = field(compare=False)


def features_of(
    bank: Bank, source: Source, examples: Examples, points: Sequence[Point], view: int = 0, title: str = "Features"
) -> Features:
    """Features of `examples` at `points`, in their order; only what the bank lacks is computed.

    Args:
        view: 0 for the examples as they are; other numbers for augmented views (see `Source.view`).
    """
    shelves = {point: bank.shelf(source, point, view) for point in points}
    keys = examples.content_keys()
    filled = fill(source, examples, shelves, view, title)
    return Features({point: shelf.read(keys) for point, shelf in shelves.items()}, filled)


def features_now(
    source: Source, examples: Examples, points: Sequence[Point], title: str, runtime: str = "auto"
) -> Mapping[Point, NDArray[np.float32]]:
    """Features of `examples` at `points`, in their order, without any bank: of a source that changes, say."""
    keys = examples.content_keys()
    found: dict[Point, dict[str, NDArray[np.float32]]] = {point: {} for point in points}
    for group, output, _ in stream(source, examples, points, list(dict.fromkeys(keys)), title=title, runtime=runtime):
        for point in points:
            found[point].update(zip(group, output[point], strict=True))
    return {
        point: (ragged if -1 in point.shape(source.description) else np.stack)([rows[key] for key in keys])
        for point, rows in found.items()
    }


def stream(
    source: Source,
    examples: Examples,
    points: Sequence[Point],
    keys: Sequence[str],
    view: int = 0,
    title: str = "Features",
    runtime: str = "auto",
) -> Iterator[tuple[Sequence[str], Output, Choice]]:
    """Computes features of the contents called `keys`, a batch at a time: (their keys, features, how)."""
    source = source.toward({point.stage for point in points})
    row_of = {key: int(row) for key, row in zip(examples.content_keys(), examples.indices, strict=True)}
    contents = Contents(examples.table)
    running: deque[list[tuple[str, int, int]]] = deque()

    def prepared(key: str) -> tuple[str, Inputs]:
        return key, prepare_row(source, contents, examples.table, row_of[key], view, key)

    def batches() -> Iterator[Inputs]:
        for group in alike(ahead(prepared, keys, depth=AHEAD), source):
            running.append([(key, source.length(inputs), source.places(inputs)) for key, inputs in group])
            yield source.collate([inputs for _, inputs in group])

    trunk = Trunk(source, points, len(keys), runtime)
    with progress(title, len(keys)) as advance:
        for output in trunk.run(batches()):
            assert trunk.choice is not None
            group = running.popleft()
            yield [key for key, _, _ in group], unpadded(output, [sizes for _, *sizes in group], source), trunk.choice
            advance(len(group))


def alike(ready: Iterator[tuple[str, Inputs]], source: Source) -> Iterator[list[tuple[str, Inputs]]]:
    """Batches in the order of `ready`; where examples differ in length, of about the same length among the next few
    thousand, so that little is filled up."""
    while window := list(itertools.islice(ready, WINDOW if source.varies else BATCH)):
        if source.varies:
            window.sort(key=lambda item: -source.length(item[1]))
        yield from map(list, chunks(window, BATCH))


def unpadded(output: Output, sizes: Sequence[Sequence[int]], source: Source) -> Output:
    """The same without what only filled the batch up: where the outputs of a stage differ in length, an array of
    arrays (N,) of (L, D).

    Args:
        sizes: length and number of places of each example.
    """
    found: Output = {}
    for point, values in output.items():
        found[point] = values
        if -1 in point.shape(source.description):
            axis = 1 if point.form == PLACES else 0
            found[point] = ragged(values[row, : size[axis]] for row, size in enumerate(sizes))
    return found


def prepare_row(source: Source, contents: Contents, table: Table, row: int, view: int, key: str) -> Inputs:
    """The inputs of one row of `table`, in one view.

    Raises:
        DataError: its content could be read when it was checked, and cannot be read any more, or does not fit.
    """
    try:
        content = contents.read(row)
        return source.view(content, view, key) if view else source.prepare(content)
    except Unreadable as reason:
        name = table.column("id")[row].as_py()
        raise DataError(
            f"{name} cannot be used: {reason}. It is not what this model takes, or was moved or changed meanwhile."
        ) from None


def fill(
    source: Source, examples: Examples, shelves: dict[Point, Shelf], view: int = 0, title: str = "Features"
) -> Filled:
    """Computes and keeps the features that `shelves` lack, for all their points in one pass."""
    keys = examples.content_keys()
    lacking = {point: set(shelf.missing(keys)) for point, shelf in shelves.items()}
    every = set().union(*lacking.values())
    missing = [key for key in dict.fromkeys(keys) if key in every]
    filled = Filled(computed=len(missing), reused=len(set(keys)) - len(missing))
    waiting: dict[Point, list[NDArray[np.float32]]] = {point: [] for point in shelves}
    held: list[str] = []

    def flush() -> None:
        for point, shelf in shelves.items():
            new = np.array([key in lacking[point] for key in held])
            if new.any():
                shelf.add(
                    [key for key, wanted in zip(held, new, strict=True) if wanted], np.concatenate(waiting[point])[new]
                )
            waiting[point].clear()
        held.clear()

    size = 0
    runtime = next(iter(shelves.values())).wished_runtime
    for group, output, filled.choice in stream(source, examples, sorted(shelves), missing, view, title, runtime):
        held.extend(group)
        for point in shelves:
            waiting[point].append(output[point])
            size += sum(row.nbytes for row in output[point])
        if size > FLUSH_BYTES:
            flush()
            size = 0
    if held:
        flush()
    for shelf in shelves.values():
        if filled.choice is not None:
            shelf.note(filled.choice)
        filled.choice = filled.choice or shelf.computed_by()
    return filled
