"""Texts a second through a sentence encoder: Headstart's trunk, and sentence-transformers with each of its backends.

    python benchmarks/encoding.py --data TEXTS --model MINILM --peers PYTHON [--count 2000]

TEXTS holds sentence_cls/sst2.parquet (short) and amazon_blitzer4/books.parquet (long). Every way encodes the same texts
once before it is timed, so that conversion and warm-up are not counted; long texts are cut off at 256 pieces by all.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

SETS = {"short": "sentence_cls/sst2.parquet", "long": "amazon_blitzer4/books.parquet"}
PEER = """
import json, sys, time
from sentence_transformers import SentenceTransformer
model, backend, texts = sys.argv[1], sys.argv[2], json.load(open(sys.argv[3]))
encoder = SentenceTransformer(model, backend=backend, device="cpu")
encoder.encode(texts[:256])
start = time.perf_counter()
encoder.encode(texts)
print(len(texts) / (time.perf_counter() - start))
"""


def ours(model: Path, texts: list[str]) -> float:
    """Texts a second: word pieces and forward pass, without a bank; at most 256 pieces a text, in one part."""
    from headstart.data.batches import ahead, chunks
    from headstart.sources import open_source
    from headstart.sources.points import Point
    from headstart.sources.runtimes import BATCH
    from headstart.sources.trunk import Trunk

    source = open_source(model)
    source.description.preparation.update(length=256, part=256)
    trunk = Trunk(source, [Point(source.stages[-1].name)], 10_000, "auto")

    def batches(given: list[str]) -> Iterator[object]:
        ready = sorted(ahead(source.prepare, given), key=source.length)
        return map(source.collate, chunks(ready, BATCH))

    list(trunk.run(batches(texts[:256])))
    start = time.perf_counter()
    list(trunk.run(batches(texts)))
    return len(texts) / (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--peers", required=True)
    parser.add_argument("--count", type=int, default=2000)
    arguments = parser.parse_args()
    print("| | short, texts/s | long, texts/s |\n|---|---|---|")
    sets = {
        name: pd.read_parquet(arguments.data / file).text.tolist()[: arguments.count] for name, file in SETS.items()
    }
    print(
        "| headstart | " + " | ".join(f"{ours(arguments.model, texts):.0f}" for texts in sets.values()) + " |",
        flush=True,
    )
    for backend in ("torch", "openvino", "onnx"):
        cells = []
        for name, texts in sets.items():
            file = Path(f"/tmp/{name}.json")
            file.write_text(json.dumps(texts))
            command = [arguments.peers, "-c", PEER, str(arguments.model), backend, str(file)]
            done = subprocess.run(command, check=False, capture_output=True, text=True)
            cells.append(f"{float(done.stdout.split()[-1]):.0f}" if done.returncode == 0 else "not installed")
        print(f"| sentence-transformers, {backend} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
