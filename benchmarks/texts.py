"""Headstart and its peers on the same texts, encoder and splits: whole processes, one after the other.

    python benchmarks/texts.py --data TEXTS --model MINILM --peers PYTHON [--only ROWS] [--sets SETS] [--draws N]

TEXTS holds the sets (sentence_cls, amazon_blitzer4, newsgroups_bydate, sms_spam), MINILM a sentence encoder.
PYTHON is an interpreter with benchmarks/requirements-peers.txt. Sets without a test part are split once with seed 0.
`trec@8` is trec with 8 examples a class to learn from, another draw for each of --draws. Results are kept in
benchmarks/results and a row that is there is not run again. Every row of Headstart starts from an empty home.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent
SETS = {
    "trec": "sentence_cls/trec.csv",
    "subj": "sentence_cls/subj.parquet",
    "cr": "sentence_cls/cr.csv",
    "mr": "sentence_cls/mr.parquet",
    "sst2": "sentence_cls/sst2.parquet",
    "sms": "sms_spam/sms_spam.csv",
    **{domain: f"amazon_blitzer4/{domain}.parquet" for domain in ("books", "dvd", "electronics", "kitchen")},
    "newsgroups": "newsgroups_bydate/newsgroups_bydate.parquet",
}
OURS = {
    "headstart probe": ["--strategy", "probe"],
    "headstart finetune": ["--strategy", "finetune"],
    "headstart contrastive": ["--strategy", "contrastive"],
    "headstart contrastive, last stage": ["--strategy", "contrastive", "--set", "stages=last"],
}
PEERS = {
    "TF-IDF + logistic": "tfidf_text.py",
    "sentence-transformers + logistic": "sentence_logistic.py",
    "SetFit": "setfit_text.py",
    "Trainer, 3 epochs": "trainer_text.py",
}
MOST_TRAIN, MOST_TEST = 6000, 2000


def table(data: Path, name: str, draw: int, folder: Path) -> Path:
    """The set as a CSV with a column `split`; of a few-shot set, one draw."""
    base, _, few = name.partition("@")
    path = data / SETS[base]
    rows = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    rows = rows[["text", "label", *(["split"] if "split" in rows else [])]].dropna()
    rows = rows[rows.text.str.strip() != ""].drop_duplicates("text")
    random = np.random.default_rng(0)
    if "split" not in rows:
        rows = rows.assign(split=np.where(random.permutation(len(rows)) < len(rows) // 4, "test", "train"))
    rows = rows[rows.split.isin(["train", "test"])]
    train, test = (rows[rows.split == part].sample(frac=1, random_state=0) for part in ("train", "test"))
    train, test = train[:MOST_TRAIN], test[:MOST_TEST]
    if few:
        drawn = train.sample(frac=1, random_state=draw + 1)
        train = drawn.groupby("label").head(int(few))
    file = folder / f"{name}.csv"
    pd.concat([train, test]).to_csv(file, index=False, quoting=csv.QUOTE_ALL)
    return file


def ours(row: str, file: Path, model: Path, work: Path, draw: int) -> dict[str, object]:
    shutil.rmtree(work / "home", ignore_errors=True)
    command = [str(Path(sys.executable).parent / "headstart"), "adapt", str(file), "--source", str(model)]
    command += ["--seed", str(draw), "--no-baselines", "--out", str(work / "run"), *OURS[row]]
    environment = {**os.environ, "HEADSTART_HOME": str(work / "home"), "HF_HUB_OFFLINE": "1"}
    start = time.perf_counter()
    subprocess.run(command, env=environment, check=True, capture_output=True)
    seconds = time.perf_counter() - start
    receipt = json.loads((work / "run" / "receipt.json").read_text())
    found = receipt["arms"][0]["metrics"]["accuracy"]
    ends = {end: found[end] for end in ("low", "high")}
    return {"seconds": seconds, "accuracy": found["value"], **ends, "memory": receipt["cost"]["peak_memory"]}


def peer(row: str, python: str, file: Path, model: Path, work: Path, draw: int) -> dict[str, object]:
    out = work / "peer.json"
    command = [python, str(HERE / "peers" / PEERS[row]), "--data", str(file), "--model", str(model)]
    start = time.perf_counter()
    subprocess.run([*command, "--out", str(out), "--seed", str(draw)], check=True, capture_output=True)
    return {"seconds": time.perf_counter() - start, **json.loads(out.read_text())}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--peers")
    parser.add_argument("--only", default="")
    parser.add_argument("--sets", default="trec,subj,cr,sst2,sms,books,newsgroups")
    parser.add_argument("--draws", type=int, default=1)
    arguments = parser.parse_args()
    wanted = [part.strip() for part in arguments.only.split(";")]
    rows = [row for row in [*OURS, *(PEERS if arguments.peers else {})] if any(part in row for part in wanted)]
    results = HERE / "results" / "texts.jsonl"
    results.parent.mkdir(exist_ok=True)
    known = [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []
    sets = arguments.sets.split(",")
    for draw in range(arguments.draws):
        for name in sets:
            for row in rows:
                if any((one["row"], one["set"], one["draw"]) == (row, name, draw) for one in known):
                    continue
                with tempfile.TemporaryDirectory() as folder:
                    work = Path(folder)
                    file = table(arguments.data, name, draw, work)
                    found = (
                        ours(row, file, arguments.model, work, draw)
                        if row in OURS
                        else peer(row, arguments.peers, file, arguments.model, work, draw)
                    )
                known.append({"row": row, "set": name, "draw": draw, **found})
                with results.open("a") as stream:
                    stream.write(json.dumps(known[-1]) + "\n")
                print(
                    f"{name} {draw} {row}: {found['seconds']:.1f} s, {found['accuracy']:.1%}",
                    file=sys.stderr,
                    flush=True,
                )
    show([one for one in known if one["set"] in sets])


def show(known: list[dict[str, object]]) -> None:
    """One line a row, one column a set: accuracy and seconds, means over draws."""
    sets = list(dict.fromkeys(str(one["set"]) for one in known))
    print("| | " + " | ".join(sets) + " |\n|---" * 1 + "|---" * len(sets) + "|")
    for row in dict.fromkeys(str(one["row"]) for one in known):
        cells = []
        for name in sets:
            found = [one for one in known if (one["row"], one["set"]) == (row, name)]
            mean = (
                {key: statistics.mean(float(one[key]) for one in found) for key in ("accuracy", "seconds")}
                if found
                else {}
            )  # type: ignore[arg-type]
            cells.append(f"{mean['accuracy']:.1%}, {mean['seconds']:.1f} s" if mean else "")
        print(f"| {row} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
