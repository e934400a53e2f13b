"""What the peers share: the command line, the data on disk and the result file. No training code lives here.

Result file (JSON): peer, version, mode (frozen | full), seed, epochs (0 where there are none), seconds (the
whole process, from its start, imports included), evaluation_seconds (the part of it that only the curve cost:
test passes after every epoch but the last), accuracy (0 to 1), test_items, curve ([seconds since the process
began, accuracy] after each epoch), predictions and items (both in the order of the relative path; row numbers
for a Parquet file), peak_memory_mb (resident, of the main process; loader workers come on top).
"""

import argparse
import io
import json
import os
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

import pyarrow.parquet as pq
import timm
from PIL import Image
from torch.utils.data import Dataset
from torchvision.datasets import ImageFolder

WORKERS = 2
BATCH = 32


def arguments(description: str | None) -> argparse.Namespace:
    """The command line of every peer; `mode` is "frozen" or "full", `data` and `weights` are folders."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=Path, required=True, help="train/CLASS/*, test/CLASS/* or two Parquet files")
    parser.add_argument("--weights", type=Path, required=True, help="timm folder: config.json, model.safetensors")
    parser.add_argument("--out", type=Path, required=True, help="the JSON file to write")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=5, help="no meaning where nothing is trained by epochs")
    parser.add_argument("--precision", default="bf16", help="of the floor: bf16 or f32")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--frozen", dest="mode", action="store_const", const="frozen", help="train the head (default)")
    mode.add_argument("--full", dest="mode", action="store_const", const="full", help="train every layer")
    parser.set_defaults(mode="frozen")
    args = parser.parse_args()
    if args.epochs < 1:
        parser.error(f"--epochs is {args.epochs}: give at least 1")
    if not (args.weights / "config.json").is_file():
        parser.error(f"{args.weights} has no config.json: give a folder that timm's local-dir: opens")
    if not (is_parquet(args.data) or all((args.data / part).is_dir() for part in ("train", "test"))):
        parser.error(f"{args.data} holds neither train/ and test/ nor train.parquet and val.parquet")
    return args


class ParquetImages(Dataset):
    """Rows of a Parquet file with the columns image (encoded bytes) and label (int), decoded on access."""

    def __init__(self, path: Path):
        table = pq.read_table(path, columns=["image", "label"])
        self.images: list[bytes] = table["image"].to_pylist()
        self.targets: list[int] = table["label"].to_pylist()
        self.transform: Callable | None = None

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int):
        image = Image.open(io.BytesIO(self.images[index])).convert("RGB")
        return (self.transform(image) if self.transform else image), self.targets[index]


def is_parquet(data: Path) -> bool:
    return all((data / name).is_file() for name in ("train.parquet", "val.parquet"))


def datasets(data: Path) -> tuple[ImageFolder | ParquetImages, ImageFolder | ParquetImages, int]:
    """Training set, test set, number of classes; each set has `targets` and gets its `transform` later."""
    if is_parquet(data):
        train, test = ParquetImages(data / "train.parquet"), ParquetImages(data / "val.parquet")
        return train, test, max(train.targets) + 1
    train, test = ImageFolder(data / "train"), ImageFolder(data / "test")
    if train.classes != test.classes:
        raise SystemExit(f"{data}: train/ and test/ hold different classes; their labels would not agree")
    return train, test, len(train.classes)


def transforms(pretrained_cfg: dict) -> tuple[Callable, Callable]:
    """Training (random crop and flip) and test transform, both from the network's own configuration."""
    own = timm.data.resolve_data_config(pretrained_cfg=pretrained_cfg)
    return timm.data.create_transform(**own, is_training=True, color_jitter=None), timm.data.create_transform(**own)


def item_names(test: ImageFolder | ParquetImages) -> list[str]:
    """Relative path of each test item, in the set's order; row number (eight digits) for a Parquet file."""
    if isinstance(test, ImageFolder):
        return [Path(path).relative_to(test.root).as_posix() for path, _ in test.samples]
    return [f"{row:08d}" for row in range(len(test))]


def age() -> float:
    """Seconds since this process began, from the kernel's own clock."""
    # The second field is the program's name and may hold blanks: count from its closing bracket.
    start_ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    return uptime - start_ticks / os.sysconf("SC_CLK_TCK")


def peak_memory_mb() -> float:
    """Largest resident size. (ru_maxrss would start at the size of the process that started this one.)"""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


class Curve:
    """Accuracy over the time since the process began, and what measuring it cost."""

    def __init__(self) -> None:
        self.points: list[list[float]] = []
        self.costs: list[float] = []

    def add(self, accuracy: float, took: float) -> None:
        """One test pass just ended; it `took` so many seconds."""
        self.points.append([round(age(), 2), accuracy])
        self.costs.append(took)


def write_result(
    args: argparse.Namespace,
    peer: str,
    packages: Sequence[str],
    names: Sequence[str],
    targets: Sequence[int],
    predictions: Sequence[int],
    curve: Curve | None = None,
) -> None:
    """Write the result file and print its line; names, targets and predictions share one order, any order."""
    rows = sorted(zip(names, map(int, targets), map(int, predictions), strict=True))
    curve = curve or Curve()
    result = {
        "peer": peer,
        "version": ", ".join(f"{package} {version(package)}" for package in packages),
        "mode": args.mode,
        "seed": args.seed,
        "epochs": len(curve.points),
        "seconds": round(age(), 2),
        "evaluation_seconds": round(sum(curve.costs[:-1]), 2),
        "accuracy": sum(target == predicted for _, target, predicted in rows) / len(rows),
        "test_items": len(rows),
        "curve": curve.points,
        "predictions": [predicted for _, _, predicted in rows],
        "items": [name for name, _, _ in rows],
        "peak_memory_mb": round(peak_memory_mb(), 1),
    }
    args.out.write_text(json.dumps(result) + "\n")
    print(
        f"{peer} ({args.mode}, seed {args.seed}): accuracy {result['accuracy']:.4f} "
        f"on {len(rows)} test items, {result['seconds']:.1f} s, {result['peak_memory_mb']:.0f} MB"
    )
