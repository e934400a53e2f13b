"""Peak memory of `headstart adapt` as a target that is made here grows tenfold.

    python benchmarks/memory.py photos MOBILENETV2
    python benchmarks/memory.py clips|windows|ratings

Photos of 160 x 120 px, clips of one second, windows of series of 1 000 hours, ratings of 1 000 things; no baselines.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
from PIL import Image

RANDOM = np.random.default_rng(0)
Made = tuple[int, list[str]]
"""How many examples there are, and what `headstart adapt` is told."""


@dataclass(frozen=True)
class Kind:
    make: Callable[[Path, int], Made]
    small: int
    """What `make` is given first; then ten times as much."""
    source: str = ""


def photos(folder: Path, count: int) -> Made:
    """Of four classes that differ in colour."""
    for number in range(count):
        colour = np.eye(3)[number % 3] * 120 + (number % 4 == 3) * 60
        pixels = RANDOM.normal(colour + 80, 40, (120, 160, 3)).clip(0, 255).astype(np.uint8)
        path = folder / "photos" / f"class{number % 4}" / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path, quality=80)
    return count, [str(folder / "photos")]


def clips(folder: Path, count: int) -> Made:
    """Of four classes that differ in pitch."""
    for number in range(count):
        tone = np.sin(np.arange(16_000) * (0.05 + 0.04 * (number % 4) + 0.02 * RANDOM.random()))
        path = folder / "clips" / f"class{number % 4}" / f"{number}.flac"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, 0.4 * tone + RANDOM.normal(0, 0.05, 16_000), 16_000)
    return count, [str(folder / "clips")]


def windows(folder: Path, count: int) -> Made:
    """Series with a day's season, from each of which some 970 windows are read."""
    steps = np.arange(1000)
    times = pd.date_range("2024-01-01", periods=len(steps), freq="h")
    rows = [
        pd.DataFrame(
            {"series": f"s{k}", "time": times, "value": np.sin(steps * 2 * np.pi / 24) + RANDOM.normal(0, 0.3, 1000)}
        )
        for k in range(count)
    ]
    pd.concat(rows).to_parquet(folder / "series.parquet")
    told = ["--task", "forecasting", "--time", "time", "--series", "series", "--value", "value", "--horizon", "24"]
    return count * len(steps), [str(folder / "series.parquet"), *told]


def ratings(folder: Path, count: int) -> Made:
    """Of users with twenty ratings each, mostly of things that many like."""
    users = np.repeat(np.arange(count), 20)
    things = np.minimum(RANDOM.exponential(150, len(users)).astype(int), 999)
    told = pd.DataFrame(
        {
            "user": users,
            "item": things,
            "rating": RANDOM.integers(1, 6, len(users)),
            "time": RANDOM.permutation(len(users)),
        }
    )
    told.drop_duplicates(["user", "item"]).to_parquet(folder / "ratings.parquet")
    names = [f"thing {number} of kind {number % 17}" for number in range(1000)]
    pd.DataFrame({"item": np.arange(1000), "title": names}).to_parquet(folder / "items.parquet")
    given = ["--task", "recommendation", "--items", str(folder / "items.parquet")]
    return len(users), [str(folder / "ratings.parquet"), *given]


KINDS = {
    "photos": Kind(photos, 500),
    "clips": Kind(clips, 500, "builtin/audio-tiny"),
    "windows": Kind(windows, 20, "builtin/series-tiny"),
    "ratings": Kind(ratings, 2000, "builtin/text-tiny"),
}


def peak(given: list[str], home: Path) -> float:
    """Megabytes, of the largest process: run in a child, so that only its own children count."""
    child = os.fork()
    if child == 0:
        program = str(Path(sys.executable).parent / "headstart")
        environment = {**os.environ, "HEADSTART_HOME": str(home)}
        command = [program, "adapt", *given, "--no-baselines", "--out", str(home / "run")]
        subprocess.run(command, check=True, capture_output=True, env=environment)
        print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024, file=(home / "peak").open("w"))
        os._exit(0)
    os.waitpid(child, 0)
    return float((home / "peak").read_text())


if __name__ == "__main__":
    name = sys.argv[1]
    kind = KINDS[name]
    source = kind.source or sys.argv[2]
    print(f"| {name} | peak memory, MB |\n|---|---|")
    for size in (kind.small, 10 * kind.small):
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder) / "home"
            home.mkdir()
            count, given = kind.make(Path(folder), size)
            print(f"| {count:,} | {peak([*given, '--source', source], home):,.0f} |", flush=True)
