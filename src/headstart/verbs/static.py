"""Teaching a static source: a vector for every word piece, so that their mean over a text is what a teacher says of it.

After model2vec (van Dongen and Tulkens 2024): the teacher's view of each piece alone, in its principal directions, is
the start; then, in closed form, vectors are moved as little as needed to fit the teacher's features of whole texts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from headstart.bank import Bank, features_of
from headstart.core import files, settings
from headstart.core.errors import RunError
from headstart.core.progress import progress
from headstart.data.batches import chunks
from headstart.data.contents import contents_of
from headstart.data.table import Examples
from headstart.sources import Source
from headstart.sources.formats import STATIC, TOKENIZER
from headstart.sources.points import Point
from headstart.sources.runtimes import BATCH
from headstart.sources.texts.source import IDS, TextSource
from headstart.sources.texts.static import VECTORS
from headstart.sources.trunk import Trunk
from headstart.verbs import artefact

HELD_OUT = 10
"""One text in so many chooses how far vectors may move."""
PULLS = (1e-2, 3e-2, 0.1, 0.3, 1.0)
"""Weights of staying at the start that are tried."""
ITERATIONS = 60


@dataclass(frozen=True)
class Taught:
    """What came of it."""

    vectors: NDArray[np.float32]
    """(pieces, width)."""
    fit_before: float
    """Mean cosine with the teacher's features of held-out texts, in its principal directions; start."""
    fit_after: float
    pull: float


def teach(examples: Examples, teacher: Source, width: int) -> tuple[Taught, dict[str, int]]:
    """Vectors for the pieces of the teacher's vocabulary that are worth keeping, and their new numbers.

    Raises:
        RunError: the teacher is no text source.
    """
    if not isinstance(teacher, TextSource):
        raise RunError(f"{teacher.name} is no text model, so it cannot teach static vectors.")
    kept = _worth_keeping(teacher)
    alone = _alone(teacher, list(kept.values()))
    bank = Bank(settings.current().bank)
    point = Point(teacher.stages[-1].name)
    whole = features_of(bank, teacher, examples, [point], title="Teacher").at[point].astype(np.float64)
    centre = alone.mean(axis=0)
    _, directions = np.linalg.eigh(np.cov((alone - centre).T))
    main = directions[:, ::-1][:, :width]
    start, wanted = (alone - centre) @ main, (whole - whole.mean(axis=0)) @ main
    start *= np.sqrt((wanted**2).mean() / (start**2).mean())
    numbers = {old: new for new, old in enumerate(kept.values())}
    counts = _counts(examples, teacher, numbers)
    return _fit(start, counts, wanted, _held_out(examples)), {name: numbers[old] for name, old in kept.items()}


def _worth_keeping(teacher: TextSource) -> dict[str, int]:
    """Pieces, by their numbers, that plain text is made of: no reserved ones, nothing beyond Latin letters."""
    tokenizer = teacher.pieces.tokenizer
    special = {"[UNK]"} | {
        str(added["content"]) for added in json.loads(tokenizer.to_str())["added_tokens"] if added["content"] != "[UNK]"
    }
    names = sorted(tokenizer.get_vocab(with_added_tokens=False).items(), key=lambda item: item[1])
    plain = {name: number for name, number in names if name not in special and _is_latin(name)}
    unknown = tokenizer.token_to_id("[UNK]")
    return {"[UNK]": unknown, **plain} if unknown is not None else plain


def _is_latin(name: str) -> bool:
    return not name.startswith("[unused") and all(ord(letter) < 0x250 for letter in name)


def _alone(teacher: TextSource, numbers: list[int]) -> NDArray[np.float64]:
    """The teacher's features (pieces, D) of each piece alone, between its usual marks."""
    frame = teacher.prepare("a")
    point = Point(teacher.stages[-1].name)
    place = len(frame[IDS]) // 2

    def batches() -> Iterator[Any]:
        for group in chunks(numbers, BATCH):
            pieces = np.repeat(frame[IDS][None], len(group), axis=0)
            pieces[:, place] = group
            yield teacher.collate([{**frame, IDS: row} for row in pieces])

    found = []
    with progress("Pieces alone", len(numbers)) as advance:
        for output in Trunk(teacher, [point], len(numbers)).run(batches()):
            found.append(output[point])
            advance(len(output[point]))
    return np.concatenate(found).astype(np.float64)


def _counts(examples: Examples, teacher: TextSource, numbers: dict[int, int]) -> sparse.csr_matrix:
    """(texts, pieces): shares of the pieces in each text."""
    rows, columns, values = [], [], []
    for row, content in enumerate(contents_of(examples)):
        found = [numbers[number] for number in teacher.prepare(content)[IDS].ravel().tolist() if number in numbers]
        rows += [row] * len(found)
        columns += found
        values += [1 / len(found)] * len(found)
    return sparse.csr_matrix((values, (rows, columns)), shape=(len(examples), len(numbers)))


def _held_out(examples: Examples) -> NDArray[np.bool_]:
    """(texts,): every so many of the different ones; equal texts are on one side."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(key, len(numbers)) % HELD_OUT == 0 for key in examples.content_keys()])


def _fit(
    start: NDArray[np.float64], counts: sparse.csr_matrix, wanted: NDArray[np.float64], held: NDArray[np.bool_]
) -> Taught:
    """The start moved to fit `wanted` (texts, width) in the mean; the pull back to it is chosen on texts `held` out."""

    def fitted(pull: float, rows: NDArray[np.bool_]) -> NDArray[np.float64]:
        part = counts[rows]
        missing = wanted[rows] - part @ start
        return np.asarray(start + _ridge(part, missing, pull * part.multiply(part).sum() / part.shape[1]))

    def fit(vectors: NDArray[np.float64]) -> float:
        return _mean_cosine(counts[held] @ vectors, wanted[held])

    pull = max(PULLS, key=lambda one: fit(fitted(one, ~held)))
    after = fit(fitted(pull, ~held))
    vectors = fitted(pull, np.ones(len(held), bool))
    return Taught(vectors.astype(np.float32), fit(start), after, pull)


def _ridge(part: sparse.csr_matrix, missing: NDArray[np.float64], pull: float) -> NDArray[np.float64]:
    """X that minimises |part X - missing|² + pull |X|², by conjugate gradients on all columns at once."""
    target = part.T @ missing
    found = np.zeros_like(target)
    residual, direction = target.copy(), target.copy()
    size = (residual**2).sum(axis=0)
    for _ in range(ITERATIONS):
        along = part.T @ (part @ direction) + pull * direction
        step = size / np.maximum((direction * along).sum(axis=0), 1e-300)
        found += step * direction
        residual -= step * along
        before, size = size, (residual**2).sum(axis=0)
        direction = residual + (size / np.maximum(before, 1e-300)) * direction
    return np.asarray(found, np.float64)


def _mean_cosine(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    product = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return float(((one * other).sum(axis=1) / np.maximum(product, 1e-12)).mean())


def write(folder: Path, taught: Taught, numbers: dict[str, int], teacher: Source, card: dict[str, Any]) -> None:
    """The source in model2vec's format; vectors as whole numbers of one byte."""
    assert isinstance(teacher, TextSource)
    document = json.loads(teacher.pieces.tokenizer.to_str())
    document.update(truncation=None, padding=None, post_processor=None)
    document["added_tokens"] = [
        {**added, "id": numbers[added["content"]]} for added in document["added_tokens"] if added["content"] in numbers
    ]
    document["model"]["vocab"] = numbers
    files.write_text(folder / TOKENIZER, json.dumps(document, ensure_ascii=False, separators=(",", ":")))
    scale = 127 / np.quantile(np.abs(taught.vectors), 0.9999)
    whole = np.clip(np.rint(taught.vectors * scale), -127, 127).astype(np.int8)
    artefact.save_arrays(folder / "model.safetensors", {VECTORS: whole})
    files.write_json(
        folder / "config.json",
        {
            "model_type": STATIC,
            "architectures": ["StaticModel"],
            "hidden_dim": taught.vectors.shape[1],
            "seq_length": 1_000_000,
            "normalize": False,
            **card,
        },
    )
