"""Forecasting, kinds of series and anomalies, with what people of the field would try; every window is evaluated.

    python benchmarks/series.py SHARED/data/series [--source builtin/series-tiny] [--strategy probe] \\
        [ett m3 m4 kinds anomaly]

Each run is `headstart adapt` with these options; nothing is chosen by what the test says. OWA of M4 hourly is against
the published sMAPE and MASE of Naive 2.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

import headstart as hs

ETT = {"task": "forecasting", "time": "date", "horizon": 96, "split": "8640/2880/2880"}
COMPETITION = {"task": "forecasting", "time": "step", "series": "series_id", "value": "value"}
WATCHED = {"task": "anomaly", "value": "value"}
"""As the NAB has it, the first 15 % of a series are to learn from (Lavin and Ahmad 2015)."""
SETS: dict[str, dict[str, dict[str, Any]]] = {
    "ett": {"ett/ETTh1.parquet": ETT, "ett/ETTh2.parquet": ETT},
    "m3": {"m3/monthly.parquet": {**COMPETITION, "horizon": 18, "season": 12}},
    "m4": {"m4/hourly.parquet": {**COMPETITION, "horizon": 48, "season": 24}},
    "anomaly": {
        **{
            f"anomaly/nab_{name}.parquet": {**WATCHED, "label": "in_window", "test": 0.85, "time": time}
            for name, time in (
                ("ambient_temperature_system_failure", "timestamp"),
                ("cpu_utilization_asg_misconfiguration", "timestamp"),
                ("ec2_request_latency_system_failure", None),  # where some times stand there twice, rows are the steps
                ("machine_temperature_system_failure", None),
                ("nyc_taxi", "timestamp"),
                ("rogue_agent_key_hold", None),
                ("rogue_agent_key_updown", "timestamp"),
            )
        },
        "anomaly/ucr_135_internalbleeding16.parquet": {**WATCHED, "label": "is_anomaly", "split": "960/240/6301"},
    },
    "kinds": {
        f"classification/{name}.npz": {}
        for name in ("BasicMotions", "Coffee", "GunPoint", "ItalyPowerDemand", "JapaneseVowels_eq", "OSULeaf")
    },
}
SHOWN = {
    "ett": ("mse", "mae", "mase", "coverage"),
    "m3": ("mase", "smape", "coverage"),
    "m4": ("mase", "smape", "owa"),
    "kinds": ("accuracy",),
    "anomaly": ("f1", "precision", "recall"),
}
MEAN_OF = {"kinds": "accuracy", "anomaly": "f1"}
WITH_INTERVALS = ("anomaly",)
NAIVE2 = {"smape": 0.18383, "mase": 2.396}
"""Of M4 hourly (Makridakis et al. 2020)."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("sets", nargs="*", default=list(SETS))
    parser.add_argument("--source", default="builtin/series-tiny")
    parser.add_argument("--strategy", default="probe")
    parser.add_argument("--budget", type=float, default=10.0)
    asked = parser.parse_args()
    for name in asked.sets:
        print(f"\n| {name} | arm | {' | '.join(SHOWN[name])} | seconds |")
        print("|---" * (3 + len(SHOWN[name])) + "|")
        means: dict[str, list[float]] = {}
        for file, options in SETS[name].items():
            for arm, numbers, ranges, seconds in measured(asked, asked.folder / file, options):
                if name in MEAN_OF:
                    kind = arm.split(" of ")[0].split(", with")[0]  # medians are of several lengths
                    means.setdefault(kind, []).append(numbers[MEAN_OF[name]])
                within = ranges if name in WITH_INTERVALS else {}
                told = " | ".join(f"{numbers[one]:.3f}{within.get(one, '')}" for one in SHOWN[name])
                print(f"| {Path(file).stem} | {arm} | {told} | {seconds:.0f} |", flush=True)
        for arm, values in means.items():
            print(f"| mean of {len(values)} | {arm} | {sum(values) / len(values):.3f} | |")


def archived(path: Path, place: Path) -> Path:
    """A series as the UCR archive has it: its part to test on begins with all that there is to learn from."""
    rows = pd.read_parquet(path)
    rows[rows.split == "test"][["value", "is_anomaly"]].to_parquet(place / path.name)
    return place / path.name


def measured(
    asked: argparse.Namespace, path: Path, options: dict[str, Any]
) -> list[tuple[str, dict[str, float], dict[str, str], float]]:
    """(arm, its metrics, their 95 % intervals, seconds) of one set."""
    place = Path(tempfile.mkdtemp())
    try:
        run = hs.adapt(
            archived(path, place) if path.name.startswith("ucr") else path,
            source=asked.source,
            strategy=asked.strategy,
            baseline_budget=asked.budget,
            out=place / "run",
            **options,
        )
        found = []
        for arm in run.receipt.arms:
            numbers = {name: float(one.value or 0.0) for name, one in arm.metrics.items()}
            if "mase" in numbers:
                numbers["owa"] = sum(numbers[name] / NAIVE2[name] for name in NAIVE2) / len(NAIVE2)
            ranges = {
                name: f" ({one.low:.2f} to {one.high:.2f})"
                for name, one in arm.metrics.items()
                if one.low is not None and one.high is not None
            }
            title = arm.title
            if not found and run.heads and run.head.weight.shape[1] > run.task.outputs:
                title += ", with distance in feature space"
            found.append((title, numbers, ranges, arm.cost.seconds if arm.cost else 0.0))
        return found
    finally:
        shutil.rmtree(place)


if __name__ == "__main__":
    main()
