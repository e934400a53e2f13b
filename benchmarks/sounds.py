"""A frozen source of sound by folds, each tested on in turn: the closed-form head, and MFCC beside it.

    python benchmarks/sounds.py ESC10 SOURCE
    python benchmarks/sounds.py SPOKEN_DIGITS SOURCE speaker

The folder has a metadata.csv (file, label, and the column of folds: `fold`, in which clips of one recording lie
together, or another), SOURCE is a source of sound, such as a folder of YAMNet. The arm from random weights gets one
second: it is not what is measured here.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

import pandas as pd

import headstart as hs

ARMS = {"adapted": "probe", "plain": "MFCC statistics, linear model"}


def accuracies(rows: pd.DataFrame, fold: object, source: str, work: Path) -> dict[str, float]:
    """Accuracy of each arm on one fold, learned on the others."""
    parts = ["test" if one == fold else "train" for one in rows["fold"]]
    target = work / f"fold{fold}.csv"
    rows.assign(split=parts)[["path", "label", "split"]].to_csv(target, index=False)
    receipt = hs.adapt(target, source=source, out=work / f"run{fold}", baseline_budget=1).receipt
    return {arm.name: arm.metrics["accuracy"].value for arm in receipt.arms}


def main() -> None:
    folder, source = Path(sys.argv[1]).resolve(), sys.argv[2]
    rows = pd.read_csv(folder / "metadata.csv")
    rows["fold"] = rows[sys.argv[3] if len(sys.argv) > 3 else "fold"]
    rows["path"] = [str(folder / name) for name in rows["file"]]
    with tempfile.TemporaryDirectory() as work:
        found = {fold: accuracies(rows, fold, source, Path(work)) for fold in sorted(set(rows["fold"]))}
    print("| accuracy, % | " + " | ".join(map(str, found)) + " | mean |")
    print("|---|" + "---|" * (len(found) + 1))
    for arm, title in ARMS.items():
        values = [100 * one[arm] for one in found.values()]
        print(f"| {title} | " + " | ".join(f"{value:.1f}" for value in [*values, statistics.mean(values)]) + " |")


if __name__ == "__main__":
    main()
