"""Headstart and its peers on the same photos, weights and splits: whole processes, one after the other.

    python benchmarks/photos.py --data FLOWERS --weights WEIGHTS --peers PYTHON [--only NAME,…] [--repeat N]

FLOWERS has train/CLASS/*.jpg and test/CLASS/*.jpg (or train.parquet and val.parquet); WEIGHTS is a timm folder. PYTHON
is an interpreter with benchmarks/requirements-peers.txt installed; without it only Headstart is run. Results are kept
in benchmarks/results and a row that is there is not run again, so a stopped benchmark goes on where it was.
Every Headstart row starts from an empty bank and no converted trunk, but for the rows that say otherwise.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).parent
OURS = {
    "headstart probe": ["--strategy", "probe", "--no-baselines"],
    "headstart probe, trunk converted earlier": ["--strategy", "probe", "--no-baselines"],
    "headstart probe, warm bank": ["--strategy", "probe", "--no-baselines"],
    "headstart finetune": ["--strategy", "finetune", "--no-baselines"],
}
PEERS = {
    "floor: decode and forward": ("decode_forward.py", []),
    "floor in float32": ("decode_forward.py", ["--precision", "f32"]),
    "timm features + scikit-learn": ("timm_sklearn.py", []),
    "PyTorch loop, frozen, 5 epochs": ("pytorch_loop.py", ["--frozen", "--epochs", "5"]),
    "PyTorch loop, full, 5 epochs": ("pytorch_loop.py", ["--full", "--epochs", "5"]),
    "Lightning, frozen, 5 epochs": ("lightning_loop.py", ["--frozen", "--epochs", "5"]),
    "Lightning, full, 5 epochs": ("lightning_loop.py", ["--full", "--epochs", "5"]),
    "Hugging Face Trainer, frozen, 5 epochs": ("huggingface_trainer.py", ["--frozen", "--epochs", "5"]),
    "Hugging Face Trainer, full, 5 epochs": ("huggingface_trainer.py", ["--full", "--epochs", "5"]),
    "fastai, frozen, 5 epochs": ("fastai_vision.py", ["--frozen", "--epochs", "5"]),
    "fastai, fine_tune, 5 epochs": ("fastai_vision.py", ["--full", "--epochs", "5"]),
}


def ours(name: str, data: Path, weights: Path, work: Path, seed: int, label: str | None) -> dict[str, object]:
    """One whole process of the command line, from an empty home (or, for the warm row, a second run in the first's)."""
    home = work / "home"
    shutil.rmtree(home, ignore_errors=True)
    command = [
        str(Path(sys.executable).parent / "headstart"),
        "adapt",
        str(one_table(data, work)),
        "--source",
        str(weights),
        "--seed",
        str(seed),
        *OURS[name],
    ]
    command += ["--label", label] if label else []
    environment = {**os.environ, "HEADSTART_HOME": str(home), "HF_HUB_OFFLINE": "1"}
    if "," in name:
        subprocess.run([*command, "--out", str(work / "first")], env=environment, check=True, capture_output=True)
    if "converted" in name:
        shutil.rmtree(home / "bank")
    start = time.perf_counter()
    subprocess.run([*command, "--out", str(work / "run")], env=environment, check=True, capture_output=True)
    seconds = time.perf_counter() - start
    receipt = json.loads((work / "run" / "receipt.json").read_text())
    arm = receipt["arms"][0]
    return {
        "seconds": seconds,
        "accuracy": arm["metrics"]["accuracy"]["value"],
        "curve": arm.get("curve", []),
    }


def one_table(data: Path, work: Path) -> Path:
    """The same folder; two Parquet files become one with a column `split`, so that val is the test as for the peers."""
    if not (data / "train.parquet").is_file():
        return data
    parts = [
        pq.read_table(data / file).append_column("split", pa.array([part] * pq.read_metadata(data / file).num_rows))
        for file, part in (("train.parquet", "train"), ("val.parquet", "test"))
    ]
    pq.write_table(pa.concat_tables(parts), work / "table.parquet", row_group_size=1000)
    return work / "table.parquet"


def peer(name: str, python: str, data: Path, weights: Path, work: Path, seed: int) -> dict[str, object]:
    script, options = PEERS[name]
    out = work / "peer.json"
    subprocess.run(
        [
            python,
            str(HERE / "peers" / script),
            "--data",
            str(data),
            "--weights",
            str(weights),
            "--out",
            str(out),
            "--seed",
            str(seed),
            *options,
        ],
        check=True,
        capture_output=True,
    )
    return dict(json.loads(out.read_text()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--peers", help="interpreter with the peers installed")
    parser.add_argument("--only", help="rows to run, separated by semicolons")
    parser.add_argument("--label", help="label column of a table")
    parser.add_argument("--repeat", type=int, default=1)
    arguments = parser.parse_args()
    rows = [*OURS, *(PEERS if arguments.peers else {})]
    if arguments.only:
        rows = [row for row in rows if any(part.strip() in row for part in arguments.only.split(";"))]
    results = HERE / "results" / f"photos-{arguments.data.name}.jsonl"
    results.parent.mkdir(exist_ok=True)
    known = [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []
    for seed in range(arguments.repeat):
        for row in rows:
            if any(one["row"] == row and one["seed"] == seed for one in known):
                continue
            with tempfile.TemporaryDirectory() as folder:
                work = Path(folder)
                found = (
                    ours(row, arguments.data, arguments.weights, work, seed, arguments.label)
                    if row in OURS
                    else peer(row, arguments.peers, arguments.data, arguments.weights, work, seed)
                )
            kept = {
                key: found[key]
                for key in ("seconds", "accuracy", "run_seconds", "convert_seconds", "curve")
                if key in found
            }
            known.append({"row": row, "seed": seed, **kept})
            with results.open("a") as stream:
                stream.write(json.dumps(known[-1]) + "\n")
            print(f"{row}: {found['seconds']:.1f} s", file=sys.stderr, flush=True)
    show(known)


def show(known: list[dict[str, object]]) -> None:
    """The table of benchmarks/README.md: medians over seeds; ratios to the first two rows of Headstart."""

    def median(row: str, key: str) -> float | None:
        values = [float(one[key]) for one in known if one["row"] == row and one.get(key) is not None]  # type: ignore[arg-type]
        return statistics.median(values) if values else None

    probe, tuned = median("headstart probe", "seconds"), median("headstart finetune", "seconds")
    print("| | seconds | accuracy | × probe | × finetune |\n|---|---|---|---|---|")
    for row in dict.fromkeys(str(one["row"]) for one in known):
        seconds, accuracy = median(row, "seconds"), median(row, "accuracy")
        assert seconds is not None
        ratios = [f"{seconds / ours:.1f}" if ours else "" for ours in (probe, tuned)]
        right = f"{accuracy:.1%}" if accuracy is not None else ""
        print(f"| {row} | {seconds:.1f} | {right} | {ratios[0]} | {ratios[1]} |")


if __name__ == "__main__":
    main()
