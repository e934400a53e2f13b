"""A small world for journeys and faults: a tiny source, pictures, and the command line as a function."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.conftest import draw

CHANNELS = [8, 16, 32, 64]
OWN_LABELS = ["ant", "bee", "cat", "dog", "eel", "fox", "gnu"]
PIXELS = 32


@dataclass(frozen=True)
class Outcome:
    """What a command gave."""

    code: int
    out: str
    err: str

    def ok(self) -> Outcome:
        assert self.code == 0, f"exit code {self.code}\n{self.out}\n{self.err}"
        return self

    def refused(self, *parts: str) -> str:
        """The sentence of a refusal, which holds every one of `parts`; there is no traceback and the code is 2."""
        assert self.code == 2, f"exit code {self.code}\n{self.out}\n{self.err}"
        assert "Traceback" not in self.err
        sentence = self.err[self.err.index("headstart: ") :]
        for part in parts:
            assert part in sentence, sentence
        return sentence


def headstart(*arguments: str | Path) -> Outcome:
    """The command line, in this process."""
    from headstart.cli import main

    out, err, code = io.StringIO(), io.StringIO(), 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["headstart", *map(str, arguments)])
        patch.setenv("COLUMNS", "100")
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                main()
            except SystemExit as end:
                code = int(end.code or 0)
    return Outcome(code, out.getvalue(), err.getvalue())


def python(code: str, *arguments: str | Path) -> Outcome:
    """A Python process of its own that runs `code`; a negative code is the signal that ended it."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env={**os.environ})
    return Outcome(ended.returncode, ended.stdout, ended.stderr)


@contextlib.contextmanager
def home(folder: Path) -> Iterator[None]:
    """Everything inside uses the bank in `folder` and the plain runtime, whose speed does not choose anything."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADSTART_HOME", str(folder))
        patch.setenv("HEADSTART_RUNTIME", "eager")
        yield


def make_source(folder: Path, seed: int = 0) -> Path:
    """A tiny residual network with random weights, in timm's own format."""
    import timm
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True)
    torch.manual_seed(seed)
    network = timm.create_model("resnet10t", num_classes=len(OWN_LABELS), channels=CHANNELS)
    save_file(
        {name: value.contiguous() for name, value in network.state_dict().items()},
        folder / "model.safetensors",
        metadata={"format": "pt"},
    )
    known = {
        "input_size": [3, PIXELS, PIXELS],
        "interpolation": "bilinear",
        "crop_pct": 1.0,
        "crop_mode": "squash",
        "mean": [0.485, 0.456, 0.406],
        "std": [0.229, 0.224, 0.225],
        "num_classes": len(OWN_LABELS),
        "license": "apache-2.0",
    }
    document = {
        "architecture": "resnet10t",
        "num_classes": len(OWN_LABELS),
        "model_args": {"channels": CHANNELS},
        "label_names": OWN_LABELS,
        "pretrained_cfg": known,
    }
    (folder / "config.json").write_text(json.dumps(document))
    return folder


def make_pictures(folder: Path, count: int = 16, first: int = 0, ending: str = "jpg") -> Path:
    """A folder for each of two classes, `circle` and `square`, with `count` pictures each."""
    for shape in ("circle", "square"):
        (folder / shape).mkdir(parents=True)
        for number in range(first, first + count):
            draw(shape, number).save(folder / shape / f"{shape}_{number:02d}.{ending}")
    return folder


def remains(folder: Path) -> list[str]:
    """Temporary files that something half-written left in or under `folder`."""
    return sorted(str(path) for path in folder.rglob("*") if path.name.endswith(".tmp") or ".headstart-" in path.name)
