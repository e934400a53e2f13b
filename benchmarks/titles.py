"""Titles written for book reviews, by a small encoder-decoder that learned on reviews of other things.

    python benchmarks/titles.py --data TEXTS --work FOLDER

TEXTS holds amazon_blitzer4. A model is taught from nothing on reviews of dvds, electronics and kitchenware and adapted
to books, beside the same network without that, the first sentence of a review, the whole of it, and the title of the
training review that is most like it. What is in FOLDER already is not made again.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

OTHERS = ("dvd", "electronics", "kitchen")
ARCHITECTURE = "transformer:pieces=4000,width=192,layers=2,length=128"
EPOCHS, ADAPTING = 10, 3
METRICS = ("rouge1", "rouge2", "rougeL")


def pairs(data: Path, names: tuple[str, ...]) -> pd.DataFrame:
    """Reviews and their titles, each review once."""
    rows = pd.concat([pd.read_parquet(data / "amazon_blitzer4" / f"{name}.parquet") for name in names])
    rows = rows[["text", "title"]].dropna().drop_duplicates("text")
    return rows[(rows.text.str.strip() != "") & (rows.title.str.strip() != "")]


def headstart(*arguments: str) -> float:
    """Seconds of one command."""
    start = time.perf_counter()
    subprocess.run([str(Path(sys.executable).parent / "headstart"), *arguments], check=True)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    arguments = parser.parse_args()
    work: Path = arguments.work
    work.mkdir(parents=True, exist_ok=True)
    others, books = work / "others.csv", work / "books.csv"
    own = pairs(arguments.data, ("books",))
    part = np.where(np.random.default_rng(0).permutation(len(own)) < len(own) // 4, "test", "train")
    own.assign(split=part).to_csv(books, index=False)
    known = pairs(arguments.data, OTHERS)
    known[~known.text.isin(own.text)].to_csv(others, index=False)
    columns = ["--text", "text", "--label", "title"]
    seconds = {"taught": 0.0, "adapted": 0.0}
    if not (work / "titles" / "receipt.json").exists():
        taught = ["--objective", "seq2seq", "--arch", ARCHITECTURE, "--epochs", str(EPOCHS)]
        seconds["taught"] = headstart("pretrain", str(others), *taught, *columns, "--out", str(work / "titles"))
    if not (work / "books" / "receipt.json").exists():
        source = ["--task", "seq2seq", "--source", str(work / "titles"), "--strategy", "finetune"]
        options = ["--freeze", "none", "--epochs", str(ADAPTING), "--set", "refit=false", "--beams", "2"]
        seconds["adapted"] = headstart("adapt", str(books), *source, *options, *columns, "--out", str(work / "books"))
    print(f"taught in {seconds['taught']:.0f} s, adapted and proven in {seconds['adapted']:.0f} s")
    print(f"| | {' | '.join(METRICS)} |\n|---{'|---' * len(METRICS)}|")
    for arm in json.loads((work / "books" / "receipt.json").read_text())["arms"]:
        found = [arm["metrics"][name] for name in METRICS]
        cells = [f"{one['value']:.1f} ({one['low']:.1f} to {one['high']:.1f})" for one in found]
        print(f"| {arm['title']} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
