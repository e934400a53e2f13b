"""A step of training an encoder with torch's dropout and with Headstart's, in turns on the same batches.

    python benchmarks/dropout.py MINILM

MINILM is a folder of an encoder whose configuration drops values and weights of attention, such as all-MiniLM-L6-v2.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import sys
import time

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from transformers import AutoModel

from headstart.engine.dropout import QuickDropout

TEXTS, LENGTHS, TURNS = 32, (16, 40, 140, 256), 5
WAYS = {"torch's dropout": contextlib.nullcontext, "headstart's": QuickDropout}


def seconds(network: torch.nn.Module, pieces: torch.Tensor, way: str) -> float:
    network.zero_grad()
    start = time.perf_counter()
    with WAYS[way]():
        found = network(pieces, attention_mask=torch.ones_like(pieces)).last_hidden_state
    found.square().mean().backward()
    return time.perf_counter() - start


def main() -> None:
    network = AutoModel.from_pretrained(sys.argv[1]).train()
    print(f"| seconds a step of {TEXTS} texts | {' | '.join(f'{length} pieces' for length in LENGTHS)} |")
    print("|---" * (len(LENGTHS) + 1) + "|")
    found: dict[str, list[float]] = {way: [] for way in WAYS}
    for length in LENGTHS:
        pieces = torch.randint(1000, network.config.vocab_size, (TEXTS, length))
        turns = [{way: seconds(network, pieces, way) for way in WAYS} for _ in range(TURNS + 1)][1:]
        for way in WAYS:
            found[way].append(statistics.median(turn[way] for turn in turns))
    for way, row in found.items():
        print(f"| {way} | {' | '.join(f'{value:.2f}' for value in row)} |")
    print(f"| times faster | {' | '.join(f'{old / new:.2f}' for old, new in zip(*found.values(), strict=True))} |")


if __name__ == "__main__":
    main()
