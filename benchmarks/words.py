"""Headstart and the Trainer where words are the answer: tags of words, and questions answered by words of a context.

    python benchmarks/words.py --data TEXTS --model MINILM --peers PYTHON [--only ROWS] [--sets SETS]

TEXTS holds the sets (ner_wnut17, ner_ncbi_disease, squad_qa), MINILM an encoder, PYTHON is an interpreter with
benchmarks/requirements-peers.txt. The measure is F1: of spans for tags, of words for answers. Results are kept in
benchmarks/results and a row that is there is not run again. Every row of Headstart starts from an empty home.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
SETS = {
    "wnut17": ("ner_wnut17", "tagging", "trainer_tags.py"),
    "ncbi": ("ner_ncbi_disease", "tagging", "trainer_tags.py"),
    "squad": ("squad_qa", "question-answering", "trainer_answers.py"),
    "answerable": ("squad_qa", "question-answering", "trainer_answers.py"),
}
SQUAD = {"train": "squad2_train.json", "test": "squad2_dev.json"}
STRATEGIES = {"headstart probe": "probe", "headstart finetune": "finetune"}
TRAINER = "Trainer, 3 epochs"


def target(data: Path, name: str, work: Path) -> Path:
    """The folder of a set, with a file for each part; of "answerable", only the questions that have an answer."""
    folder = data / SETS[name][0]
    if SETS[name][1] == "tagging":
        return folder
    work.mkdir()
    for part, file in SQUAD.items():
        document = json.loads((folder / file).read_text())
        paragraphs = [paragraph for article in document["data"] for paragraph in article["paragraphs"]]
        if name == "answerable":
            for paragraph in paragraphs:
                paragraph["qas"] = [one for one in paragraph["qas"] if one["answers"]]
        (work / f"{part}.json").write_text(json.dumps(document))
    return work


def ours(row: str, name: str, data: Path, model: Path, work: Path) -> dict[str, float]:
    command = [str(Path(sys.executable).parent / "headstart"), "adapt", str(target(data, name, work / "data"))]
    command += ["--task", SETS[name][1], "--source", str(model), "--strategy", STRATEGIES[row]]
    environment = {**os.environ, "HEADSTART_HOME": str(work / "home"), "HF_HUB_OFFLINE": "1"}
    start = time.perf_counter()
    subprocess.run(
        [*command, "--no-baselines", "--out", str(work / "run")], env=environment, check=True, capture_output=True
    )
    seconds = time.perf_counter() - start
    arms = json.loads((work / "run" / "receipt.json").read_text())["arms"]
    found = next(arm for arm in arms if arm["name"] == "adapted")["metrics"]["f1"]
    return {"seconds": seconds, "f1": found["value"], "low": found["low"], "high": found["high"]}


def peer(name: str, data: Path, model: Path, work: Path, python: str) -> dict[str, float]:
    out = work / "peer.json"
    command = [python, str(HERE / "peers" / SETS[name][2]), "--data", str(target(data, name, work / "data"))]
    start = time.perf_counter()
    subprocess.run([*command, "--model", str(model), "--out", str(out)], check=True, capture_output=True)
    return {"seconds": time.perf_counter() - start, **json.loads(out.read_text())}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--peers")
    parser.add_argument("--only", default="")
    parser.add_argument("--sets", default=",".join(SETS))
    arguments = parser.parse_args()
    sets = arguments.sets.split(",")
    rows = [row for row in [*STRATEGIES, *([TRAINER] if arguments.peers else [])] if arguments.only in row]
    results = HERE / "results" / "words.jsonl"
    results.parent.mkdir(exist_ok=True)
    known = [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []
    for name in sets:
        for row in rows:
            if any((one["row"], one["set"]) == (row, name) for one in known):
                continue
            with tempfile.TemporaryDirectory() as folder:
                place = (name, arguments.data, arguments.model, Path(folder))
                found = ours(row, *place) if row in STRATEGIES else peer(*place, arguments.peers)
            known.append({"row": row, "set": name, **found})
            with results.open("a") as stream:
                stream.write(json.dumps(known[-1]) + "\n")
            print(f"{name} {row}: {found['seconds']:.1f} s, F1 {found['f1']:.1%}", file=sys.stderr, flush=True)
    print(f"| F1, % | {' | '.join(sets)} |\n|---{'|---' * len(sets)}|")
    for row in dict.fromkeys(one["row"] for one in known):
        by_set = {one["set"]: one for one in known if one["row"] == row}
        print(f"| {row} | {' | '.join(cell(by_set[name]) if name in by_set else '' for name in sets)} |")


def cell(found: dict[str, float]) -> str:
    ends = f" ({100 * found['low']:.0f} to {100 * found['high']:.0f})" if "low" in found else ""
    return f"{100 * found['f1']:.1f}{ends}, {found['seconds']:.0f} s"


if __name__ == "__main__":
    main()
