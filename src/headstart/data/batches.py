"""The order of examples, and reading ahead. The order is a pure function of (seed, epoch)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from headstart.core import hardware, seeds

Item = TypeVar("Item")
Result = TypeVar("Result")


def order(count: int, seed: int, epoch: int, name: str = "train") -> NDArray[np.int64]:
    """The permutation (count,) in which epoch `epoch` of stream `name` sees its examples."""
    return seeds.generator(seed, "order", name, epoch).permutation(count)


def batch_positions(count: int, size: int, seed: int, step: int, name: str = "train") -> NDArray[np.int64]:
    """Positions (size,) of the batch at `step`; epochs follow each other without a gap, so every batch is full
    (a set smaller than a batch is seen once a step)."""
    size = min(size, count)
    first = step * size
    epochs = range(first // count, (first + size - 1) // count + 1)
    joined = np.concatenate([order(count, seed, epoch, name) for epoch in epochs])
    start = first - epochs[0] * count
    return joined[start : start + size]


def chunks(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def ahead(
    work: Callable[[Item], Result], items: Iterable[Item], *, depth: int = 64, workers: int | None = None
) -> Iterator[Result]:
    """Results of `work` in the order of `items`, computed by threads at most `depth` items ahead: memory stays
    flat however many items there are."""
    with ThreadPoolExecutor(workers or hardware.cores()) as pool:
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
