"""Small series, tables of them, and an untrained network for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv

from headstart.verbs.pretrain_series import Architecture, _write_start

SMALL = Architecture(context=64, horizon=12, patch=8, width=16, layers=2, small=4)


def write_patches(folder: Path, architecture: Architecture = SMALL) -> Path:
    _write_start(folder, architecture, "nothing", seed=0)
    return folder


def seasonal(steps: int, series: int = 0, season: int = 12, noise: float = 0.1) -> np.ndarray:
    """(steps,): a season, a trend and noise."""
    random = np.random.default_rng(series)
    place = np.arange(steps)
    return (
        10 * (series + 1)
        + 3 * np.sin(2 * np.pi * place / season + series)
        + 0.02 * place
        + random.normal(0, noise, steps)
    )


def write_wide(path: Path, steps: int = 240, series: int = 2, *, start: str = "2001-01", season: int = 12) -> Path:
    """A column a series, a row a month."""
    months = np.arange(np.datetime64(start), np.datetime64(start) + steps)
    columns = {f"store {one}": seasonal(steps, one, season) for one in range(series)}
    csv.write_csv(pa.table({"month": months.astype(str).tolist(), **columns}), path)
    return path


def shapes(count: int, seed: int, channels: int = 1, steps: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Series (N, channels, T) of three kinds, and their kinds."""
    random = np.random.default_rng(seed)
    kinds = np.array(["square", "triangle", "wave"])[np.arange(count) % 3]
    place = np.linspace(0, 2, steps)
    base = {
        "square": np.sign(np.sin(2 * np.pi * place)),
        "triangle": 2 * np.abs(place % 1 - 0.5),
        "wave": np.sin(np.pi * place),
    }
    values = np.stack([base[kind] + random.normal(0, 0.2, (channels, steps)) for kind in kinds])
    return values.astype(np.float32), kinds


def write_archive(path: Path, channels: int = 1) -> Path:
    train, of_train = shapes(36, 0, channels)
    test, of_test = shapes(60, 1, channels)
    np.savez(path, X_train=train, y_train=of_train, X_test=test, y_test=of_test)
    return path


def write_machine(path: Path, steps: int = 600) -> Path:
    """Hours of a machine that grows hot twice, in the second half; `is_anomaly` marks when."""
    heat = seasonal(steps, season=24, noise=0.2) - 0.02 * np.arange(steps)
    marks = np.zeros(steps, np.int64)
    for first in (steps * 6 // 10, steps * 8 // 10):
        heat[first : first + 6] += 12
        marks[first - 2 : first + 10] = 1
    hours = np.arange(np.datetime64("2024-01-01T00"), np.datetime64("2024-01-01T00") + steps)
    csv.write_csv(pa.table({"hour": [f"{one}:00" for one in hours], "heat": heat, "is_anomaly": marks}), path)
    return path
