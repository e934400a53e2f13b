"""Seconds of a probe on clips beside training the same head epoch by epoch, and beside decoding and forward alone.

    python benchmarks/clips.py CLIPS --peers PYTHON [--epochs]

CLIPS has a metadata.csv (file, label, fold); fold 1 is the test. The network is an Audio Spectrogram Transformer of 12
blocks, 192 wide, on 3 s, with random weights in transformers' format: what it knows does not change how long it takes.
PYTHON has what `requirements-peers.txt` names. Whole processes, imports included. With --epochs: how good the Trainer's
head becomes by learning rate and epochs, which says what a row of it should be given.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

from photos import ours

HERE = Path(__file__).parent
ROWS = ("headstart probe", "headstart probe, trunk converted earlier", "headstart probe, warm bank")
PEERS = {
    "floor: decode, spectra and forward": ("floor_sounds.py", []),
    "Trainer, frozen, 5 epochs": ("trainer_sounds.py", ["--epochs", "5"]),
    "Trainer, frozen, 20 epochs at a rate of 0.005": (
        "trainer_sounds.py",
        ["--epochs", "20", "--learning-rate", "0.005"],
    ),
}
SIZES = {
    "hidden_size": 192,
    "intermediate_size": 768,
    "num_attention_heads": 3,
    "num_hidden_layers": 12,
    "max_length": 300,
    "num_mel_bins": 128,
}


def write_network(folder: Path, labels: list[str]) -> Path:
    """The network and its feature extractor, as transformers saves them."""
    import torch
    import transformers

    torch.manual_seed(0)
    config = transformers.ASTConfig(**SIZES, id2label=dict(enumerate(labels)))
    transformers.ASTForAudioClassification(config).save_pretrained(folder)
    transformers.ASTFeatureExtractor(max_length=SIZES["max_length"]).save_pretrained(folder)
    return folder


def table(clips: Path, out: Path) -> Path:
    """path, label and split of every clip."""
    rows = pd.read_csv(clips / "metadata.csv")
    parts = ["test" if fold == 1 else "train" for fold in rows["fold"]]
    paths = [str(clips.resolve() / name) for name in rows["file"]]
    pd.DataFrame({"path": paths, "label": rows["label"], "split": parts}).to_csv(out, index=False)
    return out


def result(name: str, python: str, data: Path, network: Path) -> dict[str, object]:
    """Seconds of the whole process of a row, and its accuracy where it has one."""
    with tempfile.TemporaryDirectory() as folder:
        if name in ROWS:
            return ours(name, data, network, Path(folder), 0, None)
        script, options = PEERS[name]
        began = time.perf_counter()
        found = peer(script, python, data, network, Path(folder), options)
        return {"seconds": time.perf_counter() - began, **found}


def peer(
    script: str, python: str, data: Path, network: Path, work: Path, options: list[str], *, shown: bool = False
) -> dict[str, object]:
    """What the peer wrote of itself; what it prints goes to the screen where it is `shown`."""
    given = ["--data", str(data), "--model", str(network), "--out", str(work / "peer.json"), *options]
    subprocess.run([python, str(HERE / "peers" / script), *given], check=True, stdout=None if shown else sys.stderr)
    return json.loads((work / "peer.json").read_text())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--peers", required=True, help="interpreter with the peers installed")
    parser.add_argument("--epochs", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        data = table(given.clips, work / "clips.csv")
        network = write_network(work / "network", sorted(set(pd.read_csv(data)["label"])))
        if given.epochs:
            peer("head_epochs.py", given.peers, data, network, work, [], shown=True)
            raise SystemExit
        found = {name: result(name, given.peers, data, network) for name in (*ROWS, *PEERS)}
    print("| | seconds | accuracy, % | × probe |\n|---|---|---|---|")
    for name, one in found.items():
        right = f"{one['accuracy']:.1%}"[:-1] if "accuracy" in one else ""
        times = one["seconds"] / found["headstart probe"]["seconds"]
        print(f"| {name} | {one['seconds']:.1f} | {right} | {times:.1f} |")
