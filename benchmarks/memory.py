"""Peak memory of `headstart adapt` as the number of photos grows tenfold (generated photos).

python benchmarks/memory.py WEIGHTS [SMALL]
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image


def photos(folder: Path, count: int) -> None:
    """`count` photos (160 x 120 px) of four classes that differ in colour."""
    generator = np.random.default_rng(0)
    for number in range(count):
        colour = np.eye(3)[number % 3] * 120 + (number % 4 == 3) * 60
        pixels = generator.normal(colour + 80, 40, (120, 160, 3)).clip(0, 255).astype(np.uint8)
        path = folder / f"class{number % 4}" / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path, quality=80)


def peak(folder: Path, weights: str, home: Path) -> float:
    """Megabytes, of the largest process: run in a child, so that only its own children count."""
    child = os.fork()
    if child == 0:
        subprocess.run(
            [
                str(Path(sys.executable).parent / "headstart"),
                "adapt",
                str(folder),
                "--source",
                weights,
                "--no-baselines",
                "--out",
                str(home / "run"),
            ],
            check=True,
            capture_output=True,
            env={**os.environ, "HEADSTART_HOME": str(home)},
        )
        print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024, file=(home / "peak").open("w"))
        os._exit(0)
    os.waitpid(child, 0)
    return float((home / "peak").read_text())


if __name__ == "__main__":
    weights, small = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 500
    print("| photos | peak memory, MB |\n|---|---|")
    for count in (small, 10 * small):
        with tempfile.TemporaryDirectory() as folder:
            photos(Path(folder) / "photos", count)
            home = Path(folder) / "home"
            home.mkdir()
            print(f"| {count} | {peak(Path(folder) / 'photos', weights, home):.0f} |", flush=True)
