"""Makes the builtin source `builtin/text-tiny`: static vectors of word pieces, taught by a sentence encoder.

    python benchmarks/builtin_text.py CORPORA TEACHER OUT

CORPORA is a folder of plain texts (here: parts of WikiText-2, of PubMed abstracts and of TinyStories, none of them a
set that results are reported on), TEACHER a sentence encoder (here: all-MiniLM-L6-v2). Takes about a minute.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from headstart.verbs.pretrain import Pretraining, pretrain

RECIPE = Pretraining(arch="static:width=192", trained_on="parts of WikiText-2, of PubMed abstracts and of TinyStories")
SHORTEST = 20
"""Letters of a sentence that is used."""


def sentences(folder: Path) -> Iterator[str]:
    for path in sorted(folder.glob("*.txt")):
        for line in path.read_text(encoding="utf-8").splitlines():
            for sentence in re.split(r"(?<=[.!?])\s+", line.replace("<unk>", "").replace(" @-@ ", "-")):
                if len(sentence) >= SHORTEST:
                    yield sentence.strip()


if __name__ == "__main__":
    corpora, teacher, out = sys.argv[1:]
    pretrain(list(dict.fromkeys(sentences(Path(corpora)))), out=out, recipe=RECIPE, teacher=teacher, console=Console())
