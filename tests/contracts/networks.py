"""Tiny networks in the libraries' own formats, and a generated target, for tests of what lies below the verbs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw

from headstart.bank import Bank
from headstart.data import checks, splits
from headstart.data.read import read
from headstart.data.table import Examples, Table
from headstart.engine.trained import Workplace
from headstart.sources import Source, open_source
from headstart.tasks import Task, tasks

SIZE = 32
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "batch norm": ("resnet10t", {"channels": [8, 12, 16, 24], "stem_width": 8, "drop_path_rate": 0.2}),
    "layer norm": ("convnext_atto", {"depths": [1, 1, 1, 1], "dims": [8, 12, 16, 24]}),
    "dropout": (
        "vit_tiny_patch16_224",
        {
            "img_size": SIZE, "patch_size": 8, "embed_dim": 24, "depth": 4, "num_heads": 2,
            "drop_rate": 0.2, "pos_drop_rate": 0.2, "proj_drop_rate": 0.3, "drop_path_rate": 0.2,
        },
    ),
}  # fmt: skip
"""Architecture and arguments: one with batch norms and stochastic depth, one with layer norms, one with dropout."""

LABEL_OF = {"classification": "shape", "multilabel": "marks", "regression": "size", "imitation": "teacher"}
"""Task -> the column of the generated target that suits it."""
WHOLE_EXAMPLES = [name for name in tasks.names() if tasks.get(name).reads == "pooled" and not tasks.get(name).own_head]
"""Tasks that answer for a picture as a whole by new layers; all others have tests of their own."""


def write_timm(
    folder: Path, architecture: str, arguments: Mapping[str, Any], *, size: int = SIZE, outputs: int = 5, seed: int = 0
) -> Path:
    """A network with random weights and random moments, in timm's own format."""
    import timm
    from safetensors.torch import save_file

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = timm.create_model(architecture, pretrained=False, num_classes=outputs, **arguments)
        randomise(network)
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: value.contiguous() for name, value in network.state_dict().items()}, folder / "model.safetensors")
    known = {
        "input_size": [3, size, size], "interpolation": "bilinear", "crop_pct": 1.0, "crop_mode": "squash",
        "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25], "num_classes": outputs, "license": "apache-2.0",
    }  # fmt: skip
    document = {
        "architecture": architecture, "num_classes": outputs, "model_args": dict(arguments), "pretrained_cfg": known,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(document))
    return folder


def randomise(network: torch.nn.Module) -> None:
    """Moves every parameter and moment away from its start, so that none is zero or one by construction."""
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if name.endswith("running_var"):
                value.copy_(0.5 + torch.rand_like(value))
            elif value.is_floating_point():
                value.add_(0.05 * torch.randn_like(value))


def open_kind(kind: str, root: Path) -> Source:
    """The tiny network of that kind, written under `root` when it is not there yet."""
    folder = root / kind.replace(" ", "-")
    if not folder.is_dir():
        write_timm(folder, *KINDS[kind])
    return open_source(folder)


def draw(shape: str, number: int) -> tuple[Image.Image, int]:
    """A picture of one shape on a noisy ground, and the shape's size in pixels."""
    random = np.random.default_rng([number, len(shape)])
    ground = random.integers(60, 200, (8, 8, 3), dtype=np.uint8)
    picture = Image.fromarray(ground).resize((48, 40), Image.Resampling.NEAREST)
    pen = ImageDraw.Draw(picture)
    size = int(random.integers(10, 24))
    left, top = (int(value) for value in random.integers(2, 14, 2))
    box = (left, top, left + size, top + size)
    if shape == "circle":
        pen.ellipse(box, fill=(230, int(random.integers(0, 90)), 30))
    elif shape == "square":
        pen.rectangle(box, fill=(20, int(random.integers(0, 90)), 220))
    else:
        pen.polygon([(left, top + size), (left + size, top + size), (left + size // 2, top)], fill=(20, 220, 40))
    return picture, size


@dataclass(frozen=True)
class Target:
    """Generated pictures with a column for every kind of task."""

    table: Table
    parts: dict[str, Examples]
    splits: splits.Splits

    def task(self, kind: str) -> Task:
        label = LABEL_OF[kind]
        return tasks.get(kind).from_labels(label, self.parts["fit"].labels(label))


def make_target(root: Path, count: int = 16) -> Target:
    """`count` pictures of each of three shapes, read, checked and split."""
    rows = []
    for shape in ("circle", "square", "triangle"):
        for number in range(count):
            picture, size = draw(shape, number)
            name = f"{shape}{number:03d}.png"
            root.mkdir(parents=True, exist_ok=True)
            picture.save(root / name)
            marks = [shape] + (["large"] if size > 16 else [])
            rows.append({"path": name, "shape": shape, "size": 1000.0 + 50 * size, "marks": marks,
                         "teacher": [float(size), float(len(shape)), float(number % 3)]})  # fmt: skip
    listing = root / "listing.jsonl"
    listing.write_text("\n".join(json.dumps(row) for row in rows))
    table = read(listing, label="shape,size,marks,teacher")
    parts = splits.split(checks.check(table), seed=0)
    given = {name: parts.part(name) for name in ("train", "validation", "fit")}
    return Target(parts.train.table, given, parts)


def workplace(root: Path, state: str | None = None) -> Workplace:
    """A bank under `root`, and a folder for checkpoints when `state` names one."""
    return Workplace(Bank(root / "bank"), root / state if state else None)
