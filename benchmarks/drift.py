"""What a change of domain costs: runs on one domain, evaluated on others, by Headstart's own commands.

    python benchmarks/drift.py --data TEXTS --model MINILM [--strategy probe|finetune]

Reviews of books against those of dvds, electronics and kitchen things; the earlier half of newsgroups against the
later. Losses are of the metric that decides, against the run's own test; items of both sides are resampled.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pyarrow.compute as compute
import pyarrow.parquet as parquet

REVIEWS = ("books", "dvd", "electronics", "kitchen")


def halves(file: Path, folder: Path) -> tuple[Path, Path]:
    """The rows marked train (earlier) and test (later), as tables of their own without the mark."""
    rows = parquet.read_table(file)
    found = []
    for part, name in (("train", "earlier"), ("test", "later")):
        kept = rows.filter(compute.equal(rows.column("split"), part)).drop_columns(["split"])
        parquet.write_table(kept, folder / f"{name}.parquet")
        found.append(folder / f"{name}.parquet")
    return found[0], found[1]


def headstart(*arguments: str | Path, home: Path) -> str:
    command = [str(Path(sys.executable).parent / "headstart"), *map(str, arguments)]
    environment = {**os.environ, "HEADSTART_HOME": str(home), "HF_HUB_OFFLINE": "1"}
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


def show(run: Path, others: list[Path], home: Path) -> None:
    own = json.loads((run / "receipt.json").read_text())["arms"][0]["metrics"]["accuracy"]
    print(f"| {run.name}, its own test | {_cell(own)} | |")
    found = json.loads(headstart("evaluate", run, *others, "--format", "json", home=home))
    for one in found if isinstance(found, list) else [found]:
        print(f"| {run.name} on {Path(one['target']).stem if 'target' in one else others[0].stem} "
              f"| {_cell(one['metrics']['accuracy'])} | {_cell(one['lost'])} |")  # fmt: skip


def _cell(found: dict[str, float]) -> str:
    value, low, high = (100 * found[end] for end in ("value", "low", "high"))
    return f"{value:.1f} ({low:.1f} to {high:.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--strategy", default="probe")
    arguments = parser.parse_args()
    options = ["--source", arguments.model, "--strategy", arguments.strategy, "--no-baselines"]
    print("| | accuracy, % | lost, points |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        reviews = [arguments.data / "amazon_blitzer4" / f"{name}.parquet" for name in REVIEWS]
        earlier, later = halves(arguments.data / "newsgroups_bydate" / "newsgroups_bydate.parquet", work)
        for first, *others in (reviews, [earlier, later]):
            run = work / first.stem
            headstart("adapt", first, *options, "--out", run, home=work / "home")
            show(run, others, work / "home")


if __name__ == "__main__":
    main()
