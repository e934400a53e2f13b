"""No network: what is here is opened without a call, and what is not is refused with what to do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from contracts.networks import KINDS, make_target, write_timm

TESTS = Path(__file__).parents[1]
PREAMBLE = """
import socket, sys
from pathlib import Path

calls = []

def refuse(*arguments, **options):
    calls.append(arguments)
    raise OSError("no network in this test")

socket.create_connection = refuse
socket.getaddrinfo = refuse
socket.socket.connect = refuse
root = Path(sys.argv[1])
"""
ADAPTS = (
    PREAMBLE
    + """
import headstart as hs
from contracts.networks import make_target

name = sys.argv[2]
source = hs.open_source(name)
model = hs.adapt(root / "target" / "listing.jsonl", source=source, label="shape", out=root / "run", baselines=False)
hs.adapt(root / "target" / "listing.jsonl", source=source, label="shape", out=root / "tuned", baselines=False,
         strategy=hs.Finetune(epochs=1, batch=8))
again = hs.load(root / "run")
pictures = sorted((root / "target").glob("circle00*.png"))
assert again.predict(pictures) == model.predict(pictures)
assert not calls, calls
print("done")
"""
)
REFUSES = (
    PREAMBLE
    + """
from headstart.core.errors import SourceError
from headstart.sources import open_source

for name in ("timm/resnet18.a1_in1k", "hf/google/vit-base-patch16-224", "torchvision/resnet50"):
    try:
        open_source(name).weights()
    except SourceError as told:
        print(told)
"""
)


def script(text: str, root: Path, *arguments: str, **environment: str) -> str:
    """What a fresh process prints, with none of this one's settings for the hub."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HEADSTART_"))}
    own = {"PYTHONPATH": str(TESTS), "OMP_NUM_THREADS": "1", "HEADSTART_HOME": str(root / "home"),
           "HF_HOME": str(root / "hub"), "TORCH_HOME": str(root / "torch"), "HEADSTART_RUNTIME": "eager"}  # fmt: skip
    done = subprocess.run([sys.executable, "-c", text, str(root), *arguments], env={**clean, **own, **environment},
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def into_hub(root: Path, repository: str, kind: str) -> None:
    """A repository as the hub's client keeps it."""
    place = root / "hub" / "hub" / f"models--{repository.replace('/', '--')}"
    write_timm(place / "snapshots" / "0123abcd", *KINDS[kind])
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text("0123abcd")


def test_a_fetched_model_is_found_without_a_call(tmp_path: Path) -> None:
    make_target(tmp_path / "target", 8)
    into_hub(tmp_path, "timm/tiny.own", "layer norm")
    assert script(ADAPTS, tmp_path, "timm/tiny.own") == "done\n"


def test_a_folder_is_opened_without_a_call(tmp_path: Path) -> None:
    make_target(tmp_path / "target", 8)
    folder = write_timm(tmp_path / "net", *KINDS["batch norm"])
    assert script(ADAPTS, tmp_path, str(folder), HF_HUB_OFFLINE="1") == "done\n"


def test_what_is_not_here_is_refused_with_what_to_do(tmp_path: Path) -> None:
    for environment in ({}, {"HF_HUB_OFFLINE": "1"}):
        timm, hub, torchvision = script(REFUSES, tmp_path, **environment).splitlines()
        for line, name in ((timm, "timm/resnet18.a1_in1k"), (hub, "hf/google/vit-base-patch16-224")):
            assert line.startswith(f"{name} is not on this machine and the hub cannot be reached")
            assert "copy the model's folder here and give its path" in line
        assert "torchvision/resnet50 are not on this machine" in torchvision
        assert str(tmp_path / "torch") in torchvision
