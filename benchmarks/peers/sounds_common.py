"""What the peers on sounds share: the command line, clips and the result file."""

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
from common import age


def arguments(description: str | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=Path, required=True, help="a CSV with path, label and split")
    parser.add_argument("--model", type=Path, required=True, help="a folder in transformers' format")
    parser.add_argument("--out", type=Path, required=True, help="the JSON file to write")
    parser.add_argument("--epochs", type=int, default=5)
    return parser.parse_args()


def parts(data: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    rows = pd.read_csv(data)
    return rows[rows["split"] == "train"], rows[rows["split"] == "test"]


def samples(path: str) -> np.ndarray:
    """Samples (N,) of a clip with one channel."""
    return soundfile.read(path, dtype="float32")[0]


def write_result(out: Path, **found: float) -> None:
    out.write_text(json.dumps({"seconds": round(age(), 2), **found}) + "\n")
