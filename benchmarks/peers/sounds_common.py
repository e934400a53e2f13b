"""What the peers on sounds share beside `texts_common`: a CSV of path, label and split, and clips."""

from pathlib import Path

import numpy as np
import pandas as pd
import soundfile


def parts(data: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    rows = pd.read_csv(data)
    return rows[rows["split"] == "train"], rows[rows["split"] == "test"]


def samples(path: str) -> np.ndarray:
    """Samples (N,) of a clip with one channel."""
    return soundfile.read(path, dtype="float32")[0]
