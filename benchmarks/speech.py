"""What an English start is worth in French: letters right after learning from a share of the recordings, by an English
recogniser and from random weights of the same network.

    python benchmarks/speech.py FRENCH SOURCE [REAL]

FRENCH is a folder with metadata.csv (file, text, split: train or test), SOURCE a recogniser, REAL another such folder
whose French recordings (column language) are a stress test. Both arms of a row learn from the same recordings for at
least the same time, and are tested on the same; the difference has a paired interval.
"""

from __future__ import annotations

import csv
import sys
import tempfile
from pathlib import Path

import numpy as np

import headstart as hs

SHARES = (1 / 8, 1 / 4, 1 / 2, 1.0)
OPTIONS = {
    "freeze": "none",
    "epochs": 60,
    "learning_rate": 1e-3,
    "head_rate": 3e-3,
    "batch": 8,
    "views": 0,
    "patience": 0,
}
BUDGET = 60.0
"""Least seconds for random weights."""


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "metadata.csv").open() as lines:
        return [{**row, "path": str(folder.resolve() / row["file"])} for row in csv.DictReader(lines)]


def write(rows: list[dict[str, str]], path: Path) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(
            [("path", "sentence", "split"), *((r["path"], r["text"], r.get("split", "test")) for r in rows)]
        )
    return path


def main() -> None:
    rows, source, work = rows_of(Path(sys.argv[1])), sys.argv[2], Path(tempfile.mkdtemp())
    learned = [row for row in rows if row["split"] == "train"]
    test = [row for row in rows if row["split"] == "test"]
    order = np.random.default_rng(0).permutation(len(learned))
    real = [row for row in rows_of(Path(sys.argv[3])) if row["language"] == "fr"] if len(sys.argv) > 3 else []
    print("| French recordings | from English | from random weights | difference | word errors | real voices |")
    print("|---|---|---|---|---|---|", flush=True)
    for share in SHARES:
        chosen = [learned[row] for row in order[: round(share * len(learned))]]
        target = write(chosen + test, work / f"french-{len(chosen)}.csv")
        model = hs.adapt(
            target,
            source=source,
            task="speech-recognition",
            label="sentence",
            options=OPTIONS,
            baseline_budget=BUDGET,
            out=work / f"run-{len(chosen)}",
        )
        arms = {arm.name: arm.metrics for arm in model.receipt.arms}
        gain = model.receipt.verdict.difference if model.receipt.verdict.against == "scratch" else None
        heard = ""
        if real:
            found = model.evaluate(write(real, work / "real.csv")).metrics["character_accuracy"]
            heard = f"{100 * found.value:.1f}"
        cells = [arms[name]["character_accuracy"] for name in ("adapted", "scratch")]
        words = [arms[name]["word_error_rate"].value for name in ("adapted", "scratch")]
        print(
            f"| {len(chosen)} | "
            + " | ".join(f"{100 * one.value:.1f} ({100 * one.low:.1f} to {100 * one.high:.1f})" for one in cells)
            + (f" | {100 * gain.value:+.1f} ({100 * gain.low:+.1f} to {100 * gain.high:+.1f})" if gain else " | ")
            + f" | {100 * words[0]:.0f} against {100 * words[1]:.0f} | {heard} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
