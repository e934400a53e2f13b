"""How sure contrastive is, and how sure it should be: log-losses of the same scores, scaled in four ways.

    python benchmarks/certainty.py --data TEXTS --model MINILM [--sets trec@8,sst2@8,mpqa@64,mr@64] [--draws 2]

TEXTS holds sentence_cls. Nothing of a test part is read: 1 000 of the rows to learn from are held out, and so many of
each class are drawn from the others.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

import headstart as hs
from headstart.measure.calibration import fit_temperature, negative_log_likelihood, shrinkage, softmax
from headstart.tasks.classification import Classification

HELD_OUT = 1000
WAYS = ("left-out scores alone", "half-way", "all the gain doubted", "best temperature")


def table(data: Path, name: str, draw: int) -> pd.DataFrame:
    base, _, each = name.partition("@")
    path = next(
        path for path in sorted((data / "sentence_cls").glob(f"{base}.*")) if path.suffix in (".csv", ".parquet")
    )
    rows = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    rows = rows[rows.split == "train"] if "split" in rows else rows
    rows = rows.dropna().drop_duplicates("text").sample(frac=1, random_state=0)
    drawn = rows[HELD_OUT:].sample(frac=1, random_state=draw + 1).groupby("label").head(int(each))
    return pd.concat([drawn.assign(split="train"), rows[:HELD_OUT].assign(split="test")])


def measured(rows: pd.DataFrame, model: Path, work: Path, draw: int) -> list[float]:
    """Log-losses of the held-out answers, in the order of WAYS."""
    seen: dict[str, float] = {}
    humbled = Classification.humbled

    def watched(self: Classification, solution, before, targets):  # type: ignore[no-untyped-def]
        found = humbled(self, solution, before, targets)
        wrong = float(np.mean(before.argmax(axis=1) != targets))
        doubted = shrinkage(lambda factor: 1 - softmax(factor * solution.left_out).max(axis=1).mean(), wrong)
        scale = float(np.linalg.norm(found.weight) / np.linalg.norm(solution.weight))
        seen.update(alone=1 / scale, doubted=doubted / scale)
        return found

    file = work / "rows.csv"
    rows[["text", "label", "split"]].to_csv(file, index=False)
    Classification.humbled = watched  # type: ignore[method-assign]
    try:
        run = hs.adapt(file, source=model, strategy="contrastive", baselines=False, seed=draw, out=work / "run")
    finally:
        Classification.humbled = humbled  # type: ignore[method-assign]
    held = rows[rows.split == "test"]
    truth = run.task.encode(held.label.tolist())
    scores = np.log(np.clip(run.predict_proba(held.text.tolist()), 1e-12, 1))
    factors = (seen["alone"], 1.0, seen["doubted"], fit_temperature(scores, truth))
    return [negative_log_likelihood(factor * scores, truth) for factor in factors]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--sets", default="trec@8,sst2@8,mpqa@64,mr@64")
    parser.add_argument("--draws", type=int, default=2)
    asked = parser.parse_args()
    names = asked.sets.split(",")
    found: dict[str, np.ndarray] = {}
    for name in names:
        losses = []
        for draw in range(asked.draws):
            with tempfile.TemporaryDirectory() as folder:
                losses.append(measured(table(asked.data, name, draw), asked.model, Path(folder), draw))
        found[name] = np.mean(losses, axis=0)
    print(f"| log-loss, mean of {asked.draws} draws | {' | '.join(names)} | mean |\n" + "|---" * (len(names) + 2) + "|")
    for place, way in enumerate(WAYS):
        values = [found[name][place] for name in names]
        print(f"| {way} | {' | '.join(f'{value:.2f}' for value in values)} | {np.mean(values):.2f} |")


if __name__ == "__main__":
    main()
