"""What an English start is worth in French: letters right after learning from few recordings, by an English recogniser
and from random weights of the same network, and how much audio each needs for the same error.

    python benchmarks/speech.py FRENCH SOURCE [REAL] [WORK]

FRENCH is a folder with metadata.csv (file, text, split: train or test), SOURCE a recogniser, REAL another such folder
whose French recordings (column language) are a stress test, WORK a folder for the runs, from which a stopped benchmark
goes on. Both arms learn from the same recordings by Headstart's defaults, random weights for as many steps as the
English start takes in all, whatever else the machine does; both are tested on the same, so differences have paired
intervals over recordings, and over seeds where there are several.
"""

from __future__ import annotations

import csv
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet

import headstart as hs
from headstart.measure.intervals import bootstrap_interval
from headstart.measure.linear import FloatArray
from headstart.measure.paired import compare_seeds
from headstart.measure.transcripts import Errors, letter_errors, word_errors

SEEDS = {6: (0,), 12: (0,), 24: (0,), 48: (0,), 96: (0,)}
"""Recordings to learn from -> seeds of both arms."""
BATCH = 8
"""Recordings a step, by default."""
ENGLISH, RANDOM = "from English", "from random weights"
Curve = dict[int, list[Errors]]
"""Recordings learned from -> errors on the test recordings, of each seed."""


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "metadata.csv").open() as lines:
        return [{**row, "path": str(folder.resolve() / row["file"])} for row in csv.DictReader(lines)]


def write(rows: list[dict[str, str]], path: Path) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(
            [("path", "sentence", "split"), *((r["path"], r["text"], r.get("split", "test")) for r in rows)]
        )
    return path


def learned(target: Path, source: str, out: Path, seed: int, steps: int | None) -> hs.Model:
    """The run in `out`, made if it is not there: adapted, or from random weights where `steps` are given."""
    if (out / "receipt.json").is_file():
        return hs.load(out)
    strategy, options = ("finetune", {}) if steps is None else ("scratch", {"steps": steps})
    return hs.adapt(
        target, source=source, task="speech-recognition", label="sentence", strategy=strategy, options=options,
        seed=seed, baselines=False, out=out,
    )  # fmt: skip


def answers(run: hs.Model) -> tuple[list[str], list[str]]:
    table = parquet.read_table(run.folder / "predictions.parquet").sort_by("id")
    return table.column("answer").to_pylist(), table.column("truth").to_pylist()


def accuracy(errors: list[Errors], weights: FloatArray) -> FloatArray:
    return np.mean([one.accuracy(weights) for one in errors], axis=0)


def audio_needed(curve: Curve, wanted: FloatArray, weights: FloatArray) -> FloatArray:
    """Recordings (R,) with which a curve reaches the accuracy `wanted` (R,), its points joined by straight lines over
    the logarithm of recordings; the least or the most that were tried where it lies outside."""
    tried = np.log(sorted(curve))
    reached = np.stack([accuracy(curve[count], weights) for count in sorted(curve)], axis=1)
    rising = np.maximum.accumulate(reached, axis=1)
    return np.exp([np.interp(one, row, tried) for one, row in zip(wanted, rising, strict=True)])


def cell(value: float, low: float, high: float, sign: str = "") -> str:
    return f"{100 * value:{sign}.1f} ({100 * low:{sign}.1f} to {100 * high:{sign}.1f})"


def main() -> None:
    rows, source = rows_of(Path(sys.argv[1])), sys.argv[2]
    real = [row for row in rows_of(Path(sys.argv[3])) if row["language"] == "fr"] if len(sys.argv) > 3 else []
    work = Path(sys.argv[4]) if len(sys.argv) > 4 else Path(tempfile.mkdtemp())
    work.mkdir(parents=True, exist_ok=True)
    train = [row for row in rows if row["split"] == "train"]
    test = [row for row in rows if row["split"] == "test"]
    order = np.random.default_rng(0).permutation(len(train))
    curves: dict[str, Curve] = {ENGLISH: {}, RANDOM: {}}
    print(f"| French recordings | {ENGLISH} | {RANDOM} | difference | word errors | real voices | seconds |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for count, seeds in SEEDS.items():
        target = write([train[row] for row in order[:count]] + test, work / f"french-{count}.csv")
        words: dict[str, list[float]] = {ENGLISH: [], RANDOM: []}
        heard, seconds = [], 0.0
        for seed in seeds:
            english = learned(target, source, work / f"english-{count}-{seed}", seed, None)
            cost = english.receipt.cost
            steps = round(cost.backward_passes / min(BATCH, count))
            other = learned(target, source, work / f"random-{count}-{seed}", seed, steps)
            seconds += cost.seconds
            for name, run in ((ENGLISH, english), (RANDOM, other)):
                curves[name].setdefault(count, []).append(letter_errors(*answers(run)))
                words[name].append(float(word_errors(*answers(run)).rate(np.ones((1, len(test))))[0]))
            if real:
                heard.append(english.evaluate(write(real, work / "real.csv")).metrics["character_accuracy"].value)
        found = [bootstrap_interval(lambda w, c=curves[name][count]: accuracy(c, w), len(test)) for name in curves]
        gain = compare_seeds(*([one.accuracy for one in curves[name][count]] for name in curves), len(test))
        print(
            f"| {count} | {' | '.join(cell(one.value, one.low, one.high) for one in found)} | "
            f"{cell(gain.value, gain.low, gain.high, '+')} | "
            f"{100 * np.mean(words[ENGLISH]):.0f} against {100 * np.mean(words[RANDOM]):.0f} | "
            f"{f'{100 * np.mean(heard):.1f}' if heard else ''} | {seconds / len(seeds):.0f} |",
            flush=True,
        )
    print("\n| as good as random weights with | an English start needs | share |\n|---|---|---|")
    for count in list(SEEDS)[1:]:

        def share(weights: FloatArray, count: int = count) -> FloatArray:
            wanted = accuracy(curves[RANDOM][count], weights)
            return audio_needed(curves[ENGLISH], wanted, weights) / count

        needed = bootstrap_interval(share, len(test))
        print(f"| {count} | {count * needed.value:.0f} | {needed.value:.2f} ({needed.low:.2f} to {needed.high:.2f}) |")


if __name__ == "__main__":
    main()
