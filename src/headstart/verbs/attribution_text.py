"""Which words an answer depended on: each is left out in turn (erasure, Li et al. 2016)."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from headstart.bank import Bank
from headstart.data.contents import Contents
from headstart.data.modalities.text import Text, plain
from headstart.data.readers.memory import from_memory
from headstart.data.table import Examples
from headstart.engine.predict import scores
from headstart.engine.trained import Trained
from headstart.receipt.evidence import Evidence
from headstart.receipt.exhibits import Exhibit, Weighed

WORDS = 80
"""Words of a text, from its beginning, that are left out in turn."""


def attributions(found: Evidence, ids: Sequence[str]) -> list[tuple[str, Exhibit]]:
    """(title, words with how much the answer's score falls without them) for the test examples `ids`."""
    trained = found.arms[0].trained
    if trained is None:
        return []
    test = found.splits.test.examples
    rows = {name: int(row) for name, row in zip(test.ids(), test.indices, strict=True)}
    contents, text = Contents(test.table), Text()
    return [_erased(name, plain(text.decode(contents.read(rows[name]))).split(), trained) for name in ids]


def _erased(name: str, words: list[str], trained: Trained) -> tuple[str, Exhibit]:
    count = min(len(words), WORDS)
    variants = [" ".join(words), *(" ".join(words[:place] + words[place + 1 :]) or "." for place in range(count))]
    table = from_memory(variants, modality="text")
    examples = Examples(table, np.arange(len(variants)), [str(place) for place in range(len(variants))])
    with tempfile.TemporaryDirectory() as folder:  # variants are of no use to anyone else
        head = next(iter(scores(trained, examples, Bank(Path(folder))).values()))
    answer = int(head[0].argmax())
    margins = head[:, answer] - np.delete(head, answer, axis=1).max(axis=1)
    falls = margins[0] - margins[1:]
    largest = max(float(np.abs(falls).max()), 1e-12)
    weighed = [(word, float(fall / largest)) for word, fall in zip(words, falls, strict=False)]
    more = [("…", 0.0)] if len(words) > count else []
    return f"{name}: {trained.task.labels[answer]}", Weighed((*weighed, *more))
