"""The order of examples, and reading ahead. The order is a pure function of (seed, epoch)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from headstart.core import hardware, seeds

ALIKE = 32
"""Batches' worth of examples that are sorted by length at a time."""
Item = TypeVar("Item")
Result = TypeVar("Result")


def order(count: int, seed: int, epoch: int, name: str = "train") -> NDArray[np.int64]:
    """The permutation (count,) in which epoch `epoch` of stream `name` sees its examples."""
    return seeds.generator(seed, "order", name, epoch).permutation(count)


def batch_positions(
    count: int, size: int, seed: int, step: int, name: str = "train", lengths: NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
    """Positions (size,) of the batch at `step`; epochs follow each other without a gap, so every batch is full
    (a set smaller than a batch is seen once a step).

    Args:
        lengths: of the examples (count,), where they differ: batches are then made of about equal ones.
    """
    size = min(size, count)
    first = step * size
    epochs = range(first // count, (first + size - 1) // count + 1)
    joined = np.concatenate([_epoch(count, size, seed, epoch, name, lengths) for epoch in epochs])
    start = first - epochs[0] * count
    return joined[start : start + size]


def even_positions(
    groups: NDArray[np.int64], size: int, seed: int, step: int, name: str = "train"
) -> NDArray[np.int64]:
    """Positions (size,) of the batch at `step` in which every group has its turn, two examples at a time.

    Each round gives all groups a turn, in an order of its own; each group's examples come in orders of their own.

    Args:
        groups: of the examples (count,).
    """
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]

    def position(slot: int) -> int:
        turn, second = divmod(slot, 2)
        round_, place = divmod(turn, len(members))
        group = int(seeds.generator(seed, "turns", name, round_).permutation(len(members))[place])
        epoch, within = divmod(2 * round_ + second, len(members[group]))
        return int(members[group][order(len(members[group]), seed, epoch, f"{name} {group}")[within]])

    return np.array([position(slot) for slot in range(step * size, (step + 1) * size)])


def _epoch(
    count: int, size: int, seed: int, epoch: int, name: str, lengths: NDArray[np.int64] | None
) -> NDArray[np.int64]:
    """The order of an epoch. With lengths, some batches' worth of random examples at a time are sorted and cut into
    batches, whose order is random again; batches begin where those of the epoch before left off."""
    shuffled = order(count, seed, epoch, name)
    if lengths is None:
        return shuffled
    begun = -epoch * count % size
    head, rest = shuffled[:begun], shuffled[begun:]
    batches: list[NDArray[np.int64]] = []
    for some in chunks(rest, ALIKE * size):
        alike = some[np.argsort(lengths[some], kind="stable")]
        batches += chunks(alike, size)
    last = [batches.pop()] if len(rest) % size else []  # the one that the next epoch completes
    random = seeds.generator(seed, "batches", name, epoch).permutation(len(batches))
    return np.concatenate([head, *(batches[int(place)] for place in random), *last])


def chunks(items: Any, size: int) -> Iterator[Any]:
    """Slices of `size` of a sequence or an array."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def chunks_within(order: NDArray[np.int64], size: int, lengths: NDArray[np.int64], most: int) -> Iterator[Any]:
    """Slices of at most `size` of `order` (N,), the lengths of whose members, each taken for the longest, sum to no
    more than `most`; one member at least."""
    start = longest = 0
    for place, length in enumerate(lengths[order].tolist()):
        longest = max(longest, length)
        if place > start and (place - start == size or (place - start + 1) * longest > most):
            yield order[start:place]
            start, longest = place, length
    yield order[start:]


def ahead(work: Callable[[Item], Result], items: Iterable[Item], *, depth: int = 64) -> Iterator[Result]:
    """Results of `work` in the order of `items`, computed by threads at most `depth` items ahead: memory stays
    flat however many items there are."""
    with ThreadPoolExecutor(hardware.cores()) as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) >= depth:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
