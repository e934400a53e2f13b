"""Seconds of a probe on clips beside training the same head epoch by epoch, and beside decoding and forward alone.

    python benchmarks/clips.py CLIPS --peers PYTHON

CLIPS has a metadata.csv (file, label, fold); fold 1 is the test. The network is an Audio Spectrogram Transformer of 12
blocks, 192 wide, on 3 s, with random weights in transformers' format: what it knows does not change how long it takes.
PYTHON has what `requirements-peers.txt` names. Whole processes, imports included.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from pathlib import Path

import pandas as pd

from photos import ours

HERE = Path(__file__).parent
ROWS = ("headstart probe", "headstart probe, trunk converted earlier", "headstart probe, warm bank")
PEERS = {
    "floor: decode, spectra and forward": ("floor_sounds.py", []),
    "Hugging Face Trainer, frozen, 5 epochs": ("trainer_sounds.py", ["--epochs", "5"]),
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


def seconds(name: str, python: str, data: Path, network: Path) -> float:
    """Of the whole process of a row."""
    with tempfile.TemporaryDirectory() as folder:
        if name in ROWS:
            return float(ours(name, data, network, Path(folder), 0, None)["seconds"])
        script, options = PEERS[name]
        given = ["--data", str(data), "--model", str(network), "--out", str(Path(folder) / "peer.json")]
        began = time.perf_counter()
        subprocess.run([python, str(HERE / "peers" / script), *given, *options], check=True, capture_output=True)
        return time.perf_counter() - began


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--peers", required=True, help="interpreter with the peers installed")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        data = table(given.clips, work / "clips.csv")
        network = write_network(work / "network", sorted(set(pd.read_csv(data)["label"])))
        found = {name: seconds(name, given.peers, data, network) for name in (*ROWS, *PEERS)}
    print("| | seconds | × probe |\n|---|---|---|")
    for name, took in found.items():
        print(f"| {name} | {took:.1f} | {took / found['headstart probe']:.1f} |")
