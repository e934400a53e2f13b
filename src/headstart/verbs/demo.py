"""The demo: handwritten digits from ten examples a class, offline, with everything that comes with the package."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from headstart.core.errors import RunError
from headstart.strategies.finetune import Finetune
from headstart.verbs.adapt import adapt
from headstart.verbs.model import Model

if TYPE_CHECKING:
    from rich.console import Console

SOURCE = "builtin/image-tiny"
LABELS_A_CLASS = 10
BUDGET = 20.0
"""Seconds for the network from random weights: the demo should end while somebody watches."""


def demo(out: str | Path = "runs/demo", *, console: Console | None = None) -> Model:
    """Adapts the builtin source to scikit-learn's handwritten digits, ten labels a class, and proves it on the rest."""
    import pyarrow as pa

    from headstart.data.read import read

    folder = Path(out)
    if folder.exists() and any(folder.iterdir()):
        raise RunError(f"{folder} exists already. Choose another name with --out.")
    pictures, labels = digits()
    table = read((pictures, [str(label) for label in labels]))
    parts = np.full(len(labels), "test", dtype=object)
    generator = np.random.default_rng(0)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        parts[generator.permutation(rows)[:LABELS_A_CLASS]] = "train"
    if console is not None:
        console.print(
            f"Handwritten digits: {LABELS_A_CLASS} labels a class to learn from, {int((parts == 'test').sum())} "
            f"to test on. The source is {SOURCE}, which has seen photos of things and animals, no digits."
        )
    return adapt(
        table.with_column("split", pa.array(parts.tolist())),
        source=SOURCE,
        # no views, since a mirrored digit is another one; every stage trains, since digits are far from photos
        strategy=Finetune(freeze="none", views=1, epochs=15),
        baseline_budget=BUDGET,
        out=folder,
        console=console,
    )


def digits() -> tuple[list[NDArray[np.uint8]], NDArray[np.int64]]:
    """scikit-learn's digits: 1 797 grayscale pictures (8, 8) of uint8, enlarged four times, and their labels."""
    from sklearn.datasets import load_digits

    data = load_digits()
    pictures = np.round(data.images * (255 / 16)).astype(np.uint8)
    return [np.kron(picture, np.ones((4, 4), dtype=np.uint8)) for picture in pictures], data.target
