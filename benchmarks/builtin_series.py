"""Makes builtin/series-tiny anew: series from generators and from open collections, then `headstart pretrain`.

    python benchmarks/builtin_series.py SHARED/data/series my-series-tiny

None of the sets that figures are reported on is among them (ETT, M3, M4 hourly, classification, anomalies).
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as parquet
from numpy.typing import NDArray

from headstart.verbs.pretrain_series import pretrain_series

SYNTHETIC, LENGTH = 2000, 1100
BUSINESS, SHORT = 8_000, (300, 480)
"""Series as companies and statistical offices have them, and their lengths."""
PERIODS = (4, 7, 12, 24, 24, 24, 24, 48, 52, 96, 144, 168, 168, 288)
CALENDAR = (12, 12, 12, 12, 4, 4, 7, 7, 24, 52, 1, 1)
COARSER = (2, 3, 4, 5, 7, 10, 14, 21)
"""Steps of real series whose means are series, too."""
SMALL = ("AirPassengers", "monthly-sunspots", "us_gasoline", "taylor", "wineind", "ausbeer", "monthly-milk", "temps")
COLUMNS = {"AirPassengers": 1, "monthly-sunspots": 1, "us_gasoline": 1, "monthly-milk": 1, "temps": 1}
"""Which column of a small file holds the values; the first one of others."""


def wave(random: np.random.Generator, period: float, length: int) -> NDArray[np.float64]:
    """A season of any shape: a few harmonics, or a smooth random profile, repeated."""
    phase = (np.arange(length) + random.uniform(0, period)) / period
    if random.random() < 0.5 or period < 6:
        many = random.integers(1, 5)
        shape = sum(
            random.normal() / (k + 1) * np.sin(2 * np.pi * ((k + 1) * phase + random.random())) for k in range(many)
        )
    else:
        profile = np.convolve(random.normal(size=int(period) * 3), np.hanning(max(3, int(period) // 3)), "same")
        profile = profile[int(period) : 2 * int(period)]
        shape = np.interp(phase % 1, np.linspace(0, 1, len(profile)), profile)
        if random.random() < 0.2:
            shape = np.maximum(shape, 0)
    return np.asarray(shape) / (np.std(shape) + 1e-9)


def autoregression(random: np.random.Generator, length: int) -> NDArray[np.float64]:
    """ARMA (2, 1) noise with roots inside the unit circle; now and then its sum."""
    from scipy.signal import lfilter

    first, second = random.uniform(-0.6, 0.98), random.uniform(-0.5, 0.6)
    shocks = random.standard_t(5, size=length + 200) if random.random() < 0.3 else random.normal(size=length + 200)
    found = lfilter([1.0, random.uniform(-0.5, 0.5)], np.polymul([1, -first], [1, -second]), shocks)[200:]
    if random.random() < 0.15:
        found = np.cumsum(found)
    return np.asarray(found / (found.std() + 1e-9))


def trend(random: np.random.Generator, length: int) -> NDArray[np.float64]:
    """A line, a saturating curve, a line with breaks, or a smooth walk."""
    along = np.linspace(0, 1, length)
    kind = random.integers(0, 4)
    if kind == 0:
        return random.normal() * along
    if kind == 1:
        return random.normal() / (1 + np.exp(-random.uniform(3, 12) * (along - random.random())))
    if kind == 2:
        breaks = np.sort(random.random(random.integers(1, 5)))
        return random.normal() * along + sum(random.normal() * np.maximum(along - one, 0) for one in breaks)
    walk = np.cumsum(np.cumsum(random.normal(size=length // 8)))
    walk = (walk - walk.mean()) / (walk.std() + 1e-9)
    return np.interp(along, np.linspace(0, 1, len(walk)), walk)


def gaussian_process(random: np.random.Generator, length: int) -> NDArray[np.float64]:
    """A draw from a sum or product of kernels (after KernelSynth, Ansari et al. 2024), on a coarse grid, refined."""
    count = 256
    places = np.arange(count)[:, None] - np.arange(count)[None]

    def kernel() -> NDArray[np.float64]:
        kind = random.integers(0, 4)
        if kind == 0:
            return np.exp(-0.5 * (places / random.choice([4, 16, 64])) ** 2)
        if kind == 1:
            period = random.choice([6, 12, 24, 32, 64])
            return np.exp(-2 * np.sin(np.pi * places / period) ** 2 / random.choice([0.5, 1, 2]))
        if kind == 2:
            scale = random.choice([8, 32])
            return (1 + places**2 / (2 * scale**2)) ** -1.0
        moved = np.arange(count) / count - 0.5
        return np.outer(moved, moved) * 4 + 0.1

    whole = kernel()
    for _ in range(random.integers(0, 4)):
        whole = whole + kernel() if random.random() < 0.5 else whole * kernel()
    draw = np.linalg.cholesky(whole + 1e-5 * np.trace(whole) / count * np.eye(count)) @ random.normal(size=count)
    fine = np.interp(np.linspace(0, count - 1, length), np.arange(count), draw)
    return np.asarray(fine / (fine.std() + 1e-9))


def synthetic(random: np.random.Generator, length: int) -> NDArray[np.float64]:
    """One series: seasons that may change in size, a trend, noise, and at times a change of regime, spikes or zeros."""
    if random.random() < 0.15:
        found = gaussian_process(random, length) + random.uniform(0, 0.3) * random.normal(size=length)
    else:
        period = float(random.choice(PERIODS))
        found = random.uniform(0.2, 2.0) * wave(random, period, length)
        if random.random() < 0.4:
            other = period * random.choice([2, 4, 7, 12])
            if other < length:
                found = found + random.uniform(0.2, 1.0) * wave(random, other, length)
        if random.random() < 0.3:
            found = found * (1 + 0.5 * trend(random, length))
        if random.random() < 0.25:
            found = found * np.interp(np.arange(length), np.linspace(0, length, 6), random.uniform(0.4, 1.6, 6))
        found = found * (random.random() < 0.9) + random.uniform(0, 3.0) * trend(random, length)
        found = found + 10 ** random.uniform(-1.5, 0.3) * autoregression(random, length)
    if random.random() < 0.1:
        place = random.integers(length // 4, length)
        found = np.where(np.arange(length) < place, found, found * random.uniform(0.3, 2) + random.normal())
    if random.random() < 0.1:
        found = found + 3 * random.normal(size=length) * (random.random(length) < 0.01)
    if random.random() < 0.1:
        found = np.maximum(found, np.quantile(found, random.uniform(0.1, 0.5)))
    return found * 10 ** random.uniform(-1, 3) + random.normal() * 10 ** random.uniform(0, 3)


def level(random: np.random.Generator, length: int) -> NDArray[np.float64]:
    """The logarithm of a level: a walk with a trend that changes and fades, or one that returns; at times a cycle and a
    step."""
    from scipy.signal import lfilter

    steps = np.arange(length)
    shocks = random.standard_t(4, size=length) if random.random() < 0.3 else random.normal(size=length)
    shocks *= 10 ** random.uniform(-3, -1.2) * (random.random() < 0.85)
    slope = random.normal() * 10 ** random.uniform(-3.5, -2)
    if random.random() < 0.3:
        found = lfilter([1.0], [1, -random.uniform(0.5, 0.97)], 3 * shocks) + slope * steps / 2
    else:
        turns = 10 ** random.uniform(-4.5, -2.8) * random.normal(size=length)
        found = np.cumsum(lfilter([1.0], [1, -random.choice([1.0, 0.98, 0.95, 0.9])], turns) + slope + shocks)
    if random.random() < 0.25:
        phase = 2 * np.pi * steps / random.uniform(30, 120) + np.cumsum(0.02 * random.normal(size=length))
        found = found + 10 ** random.uniform(-2, -0.7) * np.sin(phase + random.uniform(0, 2 * np.pi))
    if random.random() < 0.1:
        found = found + 0.3 * random.normal() * (steps >= random.integers(20, length))
    return np.asarray(np.clip(found - found.mean(), -4, 4))


def calendar(random: np.random.Generator, season: int, length: int) -> NDArray[np.float64]:
    """A season, each of whose places moves by itself."""
    if random.random() < 0.6:
        profile = random.normal(size=season) if random.random() < 0.6 else random.standard_t(3, size=season)
    else:
        profile = wave(random, float(season), season)
    seasons = length // season + 2
    moves = np.cumsum(random.normal(size=(seasons, season)), axis=0)
    shape = (profile - profile.mean()) / (profile.std() + 1e-9)
    whole = shape + moves * 10 ** random.uniform(-3, -0.8) * (random.random() < 0.6)
    whole -= whole.mean(axis=1, keepdims=True)
    return np.asarray(whole.ravel()[:length] * 10 ** random.uniform(-2.2, -0.4))


def business(random: np.random.Generator) -> NDArray[np.float64]:
    """Level, season and noise, multiplied or added up; many in whole numbers."""
    length, season = int(random.integers(SHORT[0], SHORT[1] + 1)), int(random.choice(CALENDAR))
    noise = random.standard_t(4, size=length) if random.random() < 0.3 else random.normal(size=length)
    found = level(random, length) + 10 ** random.uniform(-2.3, -0.6) * noise
    if season > 1 and random.random() < 0.9:
        found = found + calendar(random, season, length)
    if random.random() < 0.65:
        found = np.exp(np.clip(found, -6, 6))
    else:
        found = random.uniform(0.5, 6) + random.uniform(0.5, 1.5) * found
    if random.random() < 0.05:
        found = found + 4 * found.std() * (random.random(length) < 0.01)
    found = found * 10 ** random.uniform(1, 4)
    return np.round(found) if random.random() < 0.4 else np.asarray(found)


def coarser(values: NDArray[np.float64]) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """(k, means of so many steps each), as long as enough are left."""
    for many in COARSER:
        if len(values) >= many * SHORT[0]:
            kept = values[len(values) % many :]
            yield many, kept.reshape(-1, many).mean(axis=1)


def collections(folder: Path) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """M4 weekly, exchange rates, and a few well-known single series."""
    weekly = parquet.read_table(folder / "m4/weekly.parquet")
    names = weekly.column("series_id").cast(pa.string()).to_pylist()
    values = weekly.column("value").to_numpy()
    starts = [row for row, name in enumerate(names) if row == 0 or names[row - 1] != name]
    for start, end in zip(starts, [*starts[1:], len(names)], strict=True):
        yield names[start], values[start:end]
    rates = parquet.read_table(folder / "forecasting_small/exchange_rate.parquet")
    for name in rates.column_names:
        yield f"rate {name}", rates.column(name).to_numpy()
    for name in SMALL:
        table = csv.read_csv(folder / f"forecasting_small/{name}.csv")
        column = table.column(COLUMNS.get(name, 0)).cast(pa.float64(), safe=False)
        values = column.drop_null().to_numpy()
        yield name, values[::-1] if name == "us_gasoline" else values


def main(folder: Path, out: Path) -> None:
    random = np.random.default_rng(0)
    rows = list(collections(folder))
    rows += [(f"{name}, {many} steps", means) for name, values in rows for many, means in coarser(values)]
    rows += [(f"made {n}", synthetic(random, LENGTH)) for n in range(SYNTHETIC)]
    rows += [(f"business {n}", business(random)) for n in range(BUSINESS)]
    with tempfile.TemporaryDirectory() as place:
        table = pa.table(
            {
                "series": np.repeat([name for name, _ in rows], [len(values) for _, values in rows]),
                "value": np.concatenate([values for _, values in rows]).astype(np.float32),
            }
        )
        path = Path(place) / "series.parquet"
        parquet.write_table(table, path)
        from rich.console import Console

        pretrain_series(
            path,
            out=out,
            series="series",
            value="value",
            epochs=float(sys.argv[3]) if len(sys.argv) > 3 else 3,
            windows=120_000,
            learning_rate=2e-3,
            trained_on="M4 weekly, exchange rates, eight well-known series, 10,000 series from generators",
            console=Console(),
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
