"""What a source of series adds to random convolutions where there is little to learn from.

    python benchmarks/few_series.py SHARED/data/series/classification [--source builtin/series-tiny] [--draws 3]

Accuracy on the whole test part, after learning from so many examples of each class, drawn from the training part.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import headstart as hs

EACH = (8, 16)
HEADS = {
    "convolutions alone": "convolutions",
    "source, convolutions and series": "context+convolutions+summary",
    "averaged as they do left out": "auto",
}
NAMES = ("BasicMotions", "Coffee", "GunPoint", "ItalyPowerDemand", "JapaneseVowels_eq", "OSULeaf")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--source", default="builtin/series-tiny")
    parser.add_argument("--draws", type=int, default=3)
    asked = parser.parse_args()
    print(f"| accuracy, %, mean of {asked.draws} draws | {' | '.join(NAMES)} | mean |")
    print("|---" * (2 + len(NAMES)) + "|")
    for each in EACH:
        found: dict[str, list[str]] = {head: [] for head in HEADS}
        scores: dict[str, list[np.ndarray]] = {head: [] for head in HEADS}
        for name in NAMES:
            data = np.load(asked.folder / f"{name}.npz")
            fewest = np.unique(data["y_train"], return_counts=True)[1].min()
            for head, stages in HEADS.items():
                if fewest < each:
                    found[head].append("")
                    continue
                drawn = np.array([measured(asked.source, stages, data, each, seed) for seed in range(asked.draws)])
                found[head].append(f"{100 * drawn.mean():.1f}")
                scores[head].append(drawn)
        for head in HEADS:
            mean = 100 * float(np.mean(scores[head]))
            print(f"| {each} of each class, {head} | {' | '.join(found[head])} | {mean:.1f} |", flush=True)
        first, *others = (np.stack(scores[head]).mean(axis=0) for head in HEADS)
        for head, other in zip(list(HEADS)[1:], others, strict=True):
            told = ", ".join(f"{100 * gain:+.1f}" for gain in other - first)
            print(f"| {head}: gain by draw | {told} |" + " |" * len(NAMES), flush=True)


def measured(source: str, stages: str, data: dict[str, np.ndarray], each: int, seed: int) -> float:
    random = np.random.default_rng(seed)
    kinds = data["y_train"]
    rows = np.concatenate([random.permutation(np.flatnonzero(kinds == kind))[:each] for kind in np.unique(kinds)])
    model = hs.TransferClassifier(source, options={"stages": stages}).fit(data["X_train"][rows], kinds[rows])
    return float(model.score(data["X_test"], data["y_test"]))


if __name__ == "__main__":
    main()
